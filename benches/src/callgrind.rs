//! Counts instructions: this command runs itself under callgrind.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs, io};

/// Instructions of each of the first `count` calls of `function`, in a run of this command with `arguments`; `None`
/// where there is no valgrind. Callgrind collects inside that function only, which must not be inlined, and dumps
/// after each call of it.
pub(crate) fn measure<F>(
    function: &F,
    arguments: &[&str],
    count: usize,
) -> Result<Option<Vec<f64>>, Box<dyn Error>> {
    let Some(mut totals) = measure_all(function, arguments)? else { return Ok(None) };
    if totals.len() < count {
        return Err("too few dumps".into());
    }
    totals.truncate(count);
    Ok(Some(totals))
}

/// Instructions of each call of `function`, as with [`measure`].
pub(crate) fn measure_all<F>(_function: &F, arguments: &[&str]) -> Result<Option<Vec<f64>>, Box<dyn Error>> {
    let folder = env::temp_dir().join(format!("offhook-benches-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let outcome = run_valgrind(&folder, std::any::type_name::<F>(), arguments)
        .and_then(|ran| if ran { read_dumps(&folder).map(Some) } else { Ok(None) });
    fs::remove_dir_all(&folder)?;
    outcome
}

fn run_valgrind(folder: &Path, function: &str, arguments: &[&str]) -> Result<bool, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={function}"))
        .arg(format!("--dump-after={function}"))
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .arg(env::current_exe()?)
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    match output {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
        Ok(output) if output.status.success() => Ok(true),
        Ok(output) => Err(format!("valgrind failed: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// The dumps are `out.1`, `out.2`, …, each with a line `totals: N`. A last one, for the end of the process, has no instructions.
fn read_dumps(folder: &Path) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut totals = Vec::new();
    for number in 1.. {
        let file = folder.join(format!("out.{number}"));
        if !file.exists() {
            break;
        }
        let dump = fs::read_to_string(file)?;
        let total =
            dump.lines().find_map(|line| line.strip_prefix("totals: ")).ok_or("a dump without totals")?;
        totals.push(total.trim().parse()?);
    }
    if totals.last() == Some(&0.0) {
        totals.pop();
    }
    Ok(totals)
}
