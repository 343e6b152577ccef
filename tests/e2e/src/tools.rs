//! What the stories run on, made once under `target/`: emulators, the guard's binary, a clock to shift.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsString;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Paths of what is ready to run.
pub struct Tools {
    /// A Python with the AWS emulator and boto3.
    pub python: PathBuf,
    /// AWS's Lambda runtime interface emulator.
    pub runtime: PathBuf,
    /// The library that shifts a program's wall clock.
    pub clock: PathBuf,
}

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");
const PACKAGES: &str = include_str!("../requirements.txt");
const RUNTIME_PACKAGE: &str = include_str!("../requirements-runtime.txt");
const PACKAGING: &str = include_str!("../requirements-package.txt");
const CLOCK: &str = include_str!("../clock.c");

/// The tools; what is missing is made by whoever asks first, and the others wait.
pub fn tools() -> &'static Tools {
    static TOOLS: OnceLock<Result<Tools, String>> = OnceLock::new();
    TOOLS.get_or_init(install).as_ref().unwrap_or_else(|problem| panic!("{problem}"))
}

/// The guard, as Lambda would start it: that of `E2E_GUARD`, such as the one that is shipped, or the one that `cargo test`
/// builds with everything else.
pub fn guard() -> &'static Path {
    static GUARD: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    GUARD.get_or_init(guard_of_stories).as_ref().unwrap_or_else(|problem| panic!("{problem}"))
}

/// A program of the workspace as it is shipped, such as the bootstrap: `guard-fn` of the package `guard-fn`.
pub fn shipped(package: &str, program: &str) -> PathBuf {
    build(&target(), "release", package, program).unwrap_or_else(|problem| panic!("{problem}"))
}

/// The package for `arm64` or `x86-64`, made as `infra/README.md` has it made.
///
/// # Errors
/// Where there is no Python, or what it takes for that target cannot be had.
pub fn package(architecture: &str) -> Result<PathBuf, String> {
    let target = target();
    let environment = target.join("e2e-tools").join(format!("packaging-{}", hash(&[PACKAGING])));
    let python = environment.join("bin/python");
    let need = "cargo-lambda and its linker come from PyPI, once";
    run(Command::new("python3").args(["-m", "venv"]).arg(&environment), need)?;
    let requirements = Path::new(FOLDER).join("requirements-package.txt");
    run(Command::new(python).args(["-m", "pip", "--quiet", "install", "-r"]).arg(requirements), need)?;
    let programs = std::env::join_paths(
        std::iter::once(environment.join("bin"))
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let packages = target.join("lambda");
    let mut lambda = Command::new(environment.join("bin/cargo-lambda"));
    lambda
        .args(["lambda", "build", "--release", "--locked", &format!("--{architecture}")])
        .args(["--output-format", "zip", "--package", "guard-fn", "--lambda-dir"])
        .arg(&packages)
        // Its own option for this fails ("unexpected argument", 1.9.2).
        .env("CARGO_TARGET_DIR", &target)
        .env("PATH", programs.map_err(|error| error.to_string())?)
        .current_dir(FOLDER);
    run(&mut lambda, "the package must build")?;
    Ok(packages.join("guard-fn").join("bootstrap.zip"))
}

fn guard_of_stories() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("E2E_GUARD") {
        return fs::canonicalize(&path).map_err(|error| format!("E2E_GUARD = {}: {error}", path.display()));
    }
    build_tested(&target())
}

fn install() -> Result<Tools, String> {
    let target = target();
    let folder = target.join("e2e-tools");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    // Another `cargo test` on the same tree waits here.
    let lock = File::create(folder.join("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let environment = environment(&folder)?;
    Ok(Tools {
        python: environment.join("bin/python"),
        runtime: environment.join("lambda-rie"),
        clock: clock(&folder)?,
    })
}

/// `target/`, where this very test was built: `target/PROFILE/deps/e2e-…`.
fn target() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(3).unwrap().to_path_buf()
}

/// The Python environment, made anew when a pinned version changes.
fn environment(folder: &Path) -> Result<PathBuf, String> {
    let environment = folder.join(format!("python-{}", hash(&[PACKAGES, RUNTIME_PACKAGE])));
    let ready = environment.join("ready");
    if ready.exists() {
        return Ok(environment);
    }
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "x86_64",
        "aarch64" => "arm64",
        other => return Err(format!("there is no Lambda runtime interface emulator for {other}")),
    };
    let _ = fs::remove_dir_all(&environment);
    let need = "the stories on real parts need Python 3 with venv";
    run(Command::new("python3").args(["-m", "venv"]).arg(&environment), need)?;
    let python = environment.join("bin/python");
    let pip = || {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "--disable-pip-version-check", "--no-input"]);
        pip
    };
    let need = "the stories on real parts fetch their emulators from PyPI, once";
    run(pip().arg("install").arg("-r").arg(Path::new(FOLDER).join("requirements.txt")), need)?;
    let wheels = environment.join("wheels");
    run(
        pip()
            .args(["download", "--no-deps", "--only-binary", ":all:", "-r"])
            .arg(Path::new(FOLDER).join("requirements-runtime.txt"))
            .arg("-d")
            .arg(&wheels),
        need,
    )?;
    let unpack = "import glob, os, sys, zipfile\n\
        data = zipfile.ZipFile(glob.glob(sys.argv[1] + '/*.whl')[0]).read(sys.argv[2])\n\
        open(sys.argv[3], 'wb').write(data)\n\
        os.chmod(sys.argv[3], 0o755)";
    let member = format!("samcli/local/rapid/aws-lambda-rie-{architecture}");
    let binary = environment.join("lambda-rie");
    let need = "the wheel should hold the Lambda runtime interface emulator";
    run(Command::new(&python).args(["-c", unpack]).arg(&wheels).arg(member).arg(binary), need)?;
    let _ = fs::remove_dir_all(&wheels);
    File::create(ready).map_err(|error| error.to_string())?;
    Ok(environment)
}

fn build(target: &Path, profile: &str, package: &str, program: &str) -> Result<PathBuf, String> {
    let mut cargo = Command::new(cargo());
    cargo
        .args(["build", "--quiet", "--locked", "--profile", profile, "--package", package, "--bin", program])
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("CARGO_BUILD_TARGET");
    run(&mut cargo, &format!("{program} must build"))?;
    Ok(target.join(profile).join(program))
}

/// The Cargo that runs this test: of another tool chain everything would be compiled once more.
fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The guard of `cargo test --workspace`, which is there already in such a run. Asked for with the whole workspace and one
/// test of its package, its dependencies have the features that they have there, and nothing is compiled twice.
fn build_tested(target: &Path) -> Result<PathBuf, String> {
    let mut cargo = Command::new(cargo());
    cargo
        .args(["build", "--quiet", "--locked", "--workspace", "--test", "faults", "--target-dir"])
        .arg(target)
        .current_dir(FOLDER)
        .env_remove("CARGO_BUILD_TARGET");
    run(&mut cargo, "guard-fn must build")?;
    Ok(target.join("debug/guard-fn"))
}

fn clock(folder: &Path) -> Result<PathBuf, String> {
    let library = folder.join(format!("clock-{}.so", hash(&[CLOCK])));
    if !library.exists() {
        let part = library.with_extension("part");
        let source = Path::new(FOLDER).join("clock.c");
        let need = "the stories on real parts need a C compiler, as Rust's linker does";
        run(
            Command::new("cc")
                .args(["-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-o"])
                .arg(&part)
                .arg(source),
            need,
        )?;
        fs::rename(part, &library).map_err(|error| error.to_string())?;
    }
    Ok(library)
}

fn hash(texts: &[&str]) -> String {
    let mut hasher = DefaultHasher::new();
    texts.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Runs a step. Its output is shown only when it fails.
fn run(command: &mut Command, need: &str) -> Result<(), String> {
    let shown = format!("{command:?}");
    let output = command.output().map_err(|error| format!("{need}: {shown}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Err(format!("{need}: {shown}: {}\n{}{}", output.status, text(&output.stdout), text(&output.stderr)))
}
