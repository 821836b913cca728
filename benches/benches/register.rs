//! The time of a registration.

use criterion::{Criterion, criterion_group, criterion_main};
use offhook_benches::register::registered_phone;

fn register(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("register");
    for (name, asks) in [("without a challenge", false), ("with digest", true)] {
        group
            .bench_function(name, |bencher| bencher.iter(|| registered_phone(asks).expect("a registration")));
    }
}

criterion_group!(benches, register);
criterion_main!(benches);
