//! Lets the tests of this package find libtorch, which torch-sys has found already.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Some(lib) = env::var_os("DEP_TCH_LIBTORCH_LIB") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.to_string_lossy());
    }
}
