//! See `offhook_fuzz::exchange`.
#![no_main]
#![allow(unsafe_code)] // The entry point, which the macro writes.

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    offhook_fuzz::exchange(data);
});
