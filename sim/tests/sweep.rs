//! A short sweep with all oracles. Longer ones are for `cargo sim run`.

use offhook_sim::generate::generate;
use offhook_sim::run::run;

const SEEDS: u64 = 200;

#[test]
fn the_first_seeds_are_clean() {
    for seed in 0..SEEDS {
        if let Some(violation) = run(&generate(seed)).violation {
            panic!("seed {seed}: {violation}");
        }
    }
}
