//! Reads Fluent files: which texts, with which arguments.

use std::collections::BTreeSet;

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use fluent_syntax::parser;

use crate::Arguments;

/// The ids in `source` and what each takes.
pub(crate) fn read(source: &str) -> Result<Vec<(String, Arguments)>, String> {
    let resource = parser::parse(source).map_err(|(_, errors)| format!("{errors:?}"))?;
    let mut read = Vec::new();
    for entry in &resource.body {
        match entry {
            Entry::Message(message) => {
                let mut arguments = BTreeSet::new();
                let value = message.value.as_ref();
                pattern(
                    value.ok_or_else(|| format!("{} is empty", message.id.name))?,
                    &mut arguments,
                );
                read.push((message.id.name.to_owned(), arguments));
            }
            Entry::Junk { content } => return Err(format!("junk: {content}")),
            _ => {}
        }
    }
    Ok(read)
}

/// The literal words of each text.
pub(crate) fn plain(source: &str) -> Vec<(String, String)> {
    let resource = parser::parse(source).unwrap();
    let messages = resource.body.iter().filter_map(|entry| match entry {
        Entry::Message(message) => Some(message),
        _ => None,
    });
    messages
        .map(|message| {
            let mut words = String::new();
            literals(message.value.as_ref().unwrap(), &mut words);
            (message.id.name.to_owned(), words)
        })
        .collect()
}

fn literals(pattern: &Pattern<&str>, words: &mut String) {
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => words.push_str(value),
            PatternElement::Placeable {
                expression: Expression::Select { variants, .. },
            } => {
                for variant in variants {
                    literals(&variant.value, words);
                }
            }
            PatternElement::Placeable { .. } => {}
        }
    }
}

fn pattern(pattern_: &Pattern<&str>, found: &mut Arguments) {
    for element in &pattern_.elements {
        if let PatternElement::Placeable { expression } = element {
            expressions(expression, found);
        }
    }
}

fn expressions(expression: &Expression<&str>, found: &mut Arguments) {
    match expression {
        Expression::Select { selector, variants } => {
            inline(selector, found);
            for variant in variants {
                pattern(&variant.value, found);
            }
        }
        Expression::Inline(expression) => inline(expression, found),
    }
}

fn inline(expression: &InlineExpression<&str>, found: &mut Arguments) {
    match expression {
        InlineExpression::VariableReference { id } => {
            found.insert(id.name.to_owned());
        }
        InlineExpression::FunctionReference { arguments, .. } => {
            for argument in &arguments.positional {
                inline(argument, found);
            }
        }
        InlineExpression::Placeable { expression } => expressions(expression, found),
        _ => {}
    }
}
