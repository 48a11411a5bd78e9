//! Notes which compiler builds the course, since cells have to be compiled with the same one.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC");
    println!(
        "cargo::rustc-env=CVSTUDY_SYSROOT={}",
        ask(&["--print", "sysroot"])
    );
    println!(
        "cargo::rustc-env=CVSTUDY_TARGET={}",
        env::var("TARGET").unwrap_or_default()
    );
    println!(
        "cargo::rustc-env=CVSTUDY_RUSTC_VERSION={}",
        ask(&["--version"])
    );
}

fn ask(arguments: &[&str]) -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(arguments).output();
    output
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .unwrap_or_default()
        .trim()
        .to_string()
}
