//! Experiments, views and the like are declared where they stand, and the linker makes lists of them (linkme).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |key: &str, value| std::env::var(key).is_ok_and(|set| set == value);
    if is("CARGO_CFG_TARGET_OS", "windows") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        // Nobody refers to what is in the lists, and GNU's linker would drop it as dead.
        println!("cargo::rustc-link-arg=-Wl,--no-gc-sections");
    }
}
