//! Questions beside those of keys and passwords.

use super::*;

fn answer(window: &mut Window) -> Answer {
    match window.command() {
        Command::Answer { prompt, answer } => {
            assert_eq!(prompt, PromptId(5));
            answer
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn sudo_shows_the_command_and_takes_a_click() {
    for (click, expected) in [
        (Some("Read it with sudo"), "Yes"),
        (Some("Cancel"), "No"),
        (None, "No"),
    ] {
        let mut window = Window::new(asking(Question::Sudo {
            file: "/etc/kubernetes/admin.conf".to_owned(),
        }));
        assert!(window.shows("sudo -n cat /etc/kubernetes/admin.conf"));
        match click {
            Some(button) => window.click(button),
            // On a question that nobody has read.
            None => window.press(Key::Enter),
        }
        assert_eq!(format!("{:?}", answer(&mut window)), expected);
    }
}

#[test]
fn an_answer_that_may_be_seen_is_shown_while_it_is_typed() {
    let mut window = Window::new(asking(Question::Interactive {
        text: "Favourite colour?".to_owned(),
        echo: true,
    }));
    window.harness.run();
    assert!(window.shows("Favourite colour?"));
    window
        .harness
        .get_by_role_and_label(Role::TextInput, "Answer")
        .type_text("blue");
    window.harness.run();
    assert!(format!("{:?}", window.harness.root()).contains("blue"));
    window.click("Continue");
    match answer(&mut window) {
        Answer::Secret { secret, .. } => assert_eq!(secret.expose(), "blue"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_keyring_had_and_was_refused_is_said() {
    let mut asked = asking(Question::Password { again: false });
    let words = "The one in the keyring was not accepted.";
    assert!(!Window::new(asked.clone()).shows(words));
    asked.prompts[0].was_refused = true;
    let mut window = Window::new(asked);
    assert!(window.shows(words));
    window.click("Cancel");
    assert!(matches!(answer(&mut window), Answer::No));
}
