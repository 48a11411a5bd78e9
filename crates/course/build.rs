//! Link arguments of the course dylib.
//!
//! A dylib shows only Rust symbols. tch's generic methods are compiled into the cell that uses them and
//! call tch's C functions, so these have to be visible too: one argument keeps them all in, the other
//! exports them. The run path lets the dynamic
//! linker find libtorch, wherever the set-up has put it, and the standard library.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let exports = out.join("exports.map");
    if let Err(error) = fs::write(&exports, "{ global: at*_*; get_and_reset_last_err; };\n") {
        println!("cargo::error=cannot write {}: {error}", exports.display());
    }
    println!("cargo::rustc-link-arg=-Wl,--undefined-glob=at*_*");
    println!(
        "cargo::rustc-link-arg=-Wl,--version-script={}",
        exports.display()
    );
    if let Some(libraries) = std_libraries() {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{libraries}");
    }
    // torch-sys says where it found libtorch, be it ours, LIBTORCH's or a Python's.
    if let Some(lib) = env::var_os("DEP_TCH_LIBTORCH_LIB") {
        println!(
            "cargo::rustc-link-arg=-Wl,-rpath,{}",
            PathBuf::from(lib).display()
        );
    }
}

/// Where the compiler keeps the shared standard library.
fn std_libraries() -> Option<String> {
    let rustc = env::var_os("RUSTC")?;
    let output = Command::new(rustc)
        .args(["--print", "target-libdir"])
        .output()
        .ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_string())
}
