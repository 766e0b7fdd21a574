//! Every state that a tunnel and its link can come into, found by walking all of them against everything that a person, a
//! port, a host, a target and a cluster can do.
//!
//! What is checked of each state stands in [`World::check`]; what is checked of the ways between them in the tests below.

mod world;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::*;
use crate::model::Light;
use world::{Move, Side, TunnelMove, World};

/// All states that can be reached, and the ways between them.
struct Atlas {
    worlds: Vec<World>,
    /// From, what happens, to.
    ways: Vec<(usize, Move, usize)>,
}

impl Atlas {
    fn drawn() -> Self {
        let mut atlas = Self {
            worlds: Vec::new(),
            ways: Vec::new(),
        };
        let mut known = HashMap::new();
        atlas.place(&mut known, World::new());
        let mut from = 0;
        while from < atlas.worlds.len() {
            let world = atlas.worlds[from].clone();
            for what in world.moves() {
                let to = atlas.place(&mut known, world.after(what));
                atlas.ways.push((from, what, to));
            }
            from += 1;
        }
        atlas
    }

    fn place(&mut self, known: &mut HashMap<String, usize>, world: World) -> usize {
        let worlds = &mut self.worlds;
        *known.entry(format!("{world:?}")).or_insert_with(|| {
            worlds.push(world);
            worlds.len() - 1
        })
    }

    /// Marks the states from which one that is `good` can be reached by ways that are `allowed`.
    fn leading_to(
        &self,
        good: impl Fn(&World) -> bool,
        allowed: impl Fn(Move) -> bool,
    ) -> Vec<bool> {
        let mut back = vec![Vec::new(); self.worlds.len()];
        for (from, what, to) in &self.ways {
            if allowed(*what) {
                back[*to].push(*from);
            }
        }
        let mut reaches: Vec<bool> = self.worlds.iter().map(good).collect();
        let mut open: Vec<usize> = (0..reaches.len()).filter(|i| reaches[*i]).collect();
        while let Some(to) = open.pop() {
            for from in &back[to] {
                if !std::mem::replace(&mut reaches[*from], true) {
                    open.push(*from);
                }
            }
        }
        reaches
    }
}

/// Drawn once for all tests.
static ATLAS: LazyLock<Atlas> = LazyLock::new(Atlas::drawn);

#[test]
fn every_state_holds_what_is_promised() {
    for world in &ATLAS.worlds {
        world.check();
        let sides = world.sides.iter();
        sides.for_each(Side::check_that_the_past_is_over);
    }
    // Should the walk ever come to nothing, the checks above would be empty.
    assert!(ATLAS.worlds.len() > 1000, "{}", ATLAS.worlds.len());
    for light in [Light::Grey, Light::Amber, Light::Green, Light::Red] {
        let mut lights = ATLAS.worlds.iter().map(World::lights);
        assert!(lights.any(|lights| lights == [light, Light::Green]));
    }
}

#[test]
fn no_state_is_without_a_way_out() {
    for id in [0, 1] {
        let green = |world: &World| world.sides[id].tunnel.is_open();
        let by_anything = ATLAS.leading_to(green, |_| true);
        let by_itself = ATLAS.leading_to(green, |what| !what.is_a_persons());
        for (index, world) in ATLAS.worlds.iter().enumerate() {
            assert!(by_anything[index], "never green again: {world:#?}");
            if world.lights()[id] == Light::Amber {
                assert!(by_itself[index], "never green by itself: {world:#?}");
            }
        }
    }
}

#[test]
fn wanting_it_down_ends_off_with_the_port_free_at_once() {
    for (from, what, to) in &ATLAS.ways {
        let Move::Of(id, TunnelMove::Want(Intent::Down)) = what else {
            continue;
        };
        let (before, after) = (&ATLAS.worlds[*from], &ATLAS.worlds[*to]);
        assert!(
            after.lights()[*id] == Light::Grey && !after.sides[*id].listening,
            "{before:#?} became {after:#?}"
        );
        // The other one is left in peace.
        let other = 1 - id;
        assert_eq!(before.lights()[other], after.lights()[other]);
    }
}

#[test]
fn green_comes_by_a_proof_alone() {
    for (from, what, to) in &ATLAS.ways {
        let (before, after) = (&ATLAS.worlds[*from], &ATLAS.worlds[*to]);
        for id in [0, 1] {
            if after.lights()[id] == Light::Green && before.lights()[id] != Light::Green {
                let proved = Move::Of(id, TunnelMove::Proved);
                assert_eq!(*what, proved, "{before:#?} became {after:#?}");
            }
        }
    }
}
