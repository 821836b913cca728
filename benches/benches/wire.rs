//! The time of parsing and writing SIP.

use criterion::{Criterion, criterion_group, criterion_main};
use offhook_benches::wire::{Bench, MESSAGES, bound_work, offhook_work};

fn wire(criterion: &mut Criterion) {
    for bench in Bench::ALL {
        let mut group = criterion.benchmark_group(bench.name());
        for message in MESSAGES {
            let mut ours = offhook_work(bench, message.bytes);
            group.bench_function(format!("offhook/{}", message.name), |bencher| bencher.iter(&mut ours));
            let mut bound = bound_work(bench, message.bytes);
            group.bench_function(format!("bound/{}", message.name), |bencher| bencher.iter(&mut bound));
        }
    }
}

criterion_group!(benches, wire);
criterion_main!(benches);
