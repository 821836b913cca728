//! Instructions, counted by valgrind.

use super::Work;
use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs, io};

/// Runs of one sample; the cost is their mean.
const RUNS: u32 = 16;

/// Runs `work` warm and then where callgrind looks.
pub(super) fn sample(work: &mut Work) {
    for _ in 0..4 {
        work();
    }
    offhook_measured_work(work);
}

/// Callgrind collects inside this function only and dumps after each call of it.
#[inline(never)]
fn offhook_measured_work(work: &mut Work) {
    for _ in 0..RUNS {
        black_box(&mut *work)();
    }
}

/// Instructions of each of the `count` pieces of work, or `None` where there is no valgrind.
pub(super) fn measure(count: usize) -> Result<Option<Vec<f64>>, Box<dyn Error>> {
    let folder = env::temp_dir().join(format!("offhook-benches-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let outcome = run_valgrind(&folder)
        .and_then(|ran| if ran { read_dumps(&folder, count).map(Some) } else { Ok(None) });
    fs::remove_dir_all(&folder)?;
    outcome
}

fn run_valgrind(folder: &Path) -> Result<bool, Box<dyn Error>> {
    let function = std::any::type_name_of_val(&offhook_measured_work);
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={function}"))
        .arg(format!("--dump-after={function}"))
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .arg(env::current_exe()?)
        .args(["wire", "--under-callgrind"])
        .stdin(Stdio::null())
        .output();
    match output {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
        Ok(output) if output.status.success() => Ok(true),
        Ok(output) => Err(format!("valgrind failed: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// The dumps are `out.1`, `out.2`, …, each with a line `totals: N`.
fn read_dumps(folder: &Path, count: usize) -> Result<Vec<f64>, Box<dyn Error>> {
    (1..=count)
        .map(|number| {
            let dump = fs::read_to_string(folder.join(format!("out.{number}")))?;
            let total =
                dump.lines().find_map(|line| line.strip_prefix("totals: ")).ok_or("a dump without totals")?;
            Ok(total.trim().parse::<f64>()? / f64::from(RUNS))
        })
        .collect()
}
