//! The program: wires the layers together.

fn main() {}
