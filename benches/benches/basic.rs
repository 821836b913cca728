//! The time of a whole call between two phones.

use criterion::{Criterion, criterion_group, criterion_main};
use offhook_benches::basic::Pair;

fn basic(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("basic");
    for transport in ["ws", "udp"] {
        for live in [100, 10_000] {
            let mut pair = Pair::new(transport).expect("a transport");
            for _ in 0..live {
                pair.call().expect("a call");
            }
            group.bench_function(format!("{transport}/{live} live"), |bencher| {
                bencher.iter(|| pair.calls_and_byes(1).expect("a call"));
            });
        }
    }
}

criterion_group!(benches, basic);
criterion_main!(benches);
