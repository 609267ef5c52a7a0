//! Tells Cargo that a release build has the built page inside.

#![allow(clippy::print_stdout, reason = "it is how a build script speaks to Cargo")]

fn main() {
    // A debug build reads the page from the disk, each time it is asked for.
    let inside = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    println!("cargo:rerun-if-changed={}", if inside { "web/dist" } else { "build.rs" });
}
