//! Links the program to stand at a fixed address on Linux. Of 9,000 pointers in its tables none has to be relocated then, and no page
//! of them copied, each time it starts: `cargo bench --bench ratios` has the time of `explore list`. Stack, heap and libraries
//! stay where chance puts them.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |what: &str, name: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).is_ok_and(|value| value == name);
    if is("OS", "linux") && is("ENV", "gnu") && is("ARCH", "x86_64") {
        println!("cargo::rustc-link-arg-bin=explore=-no-pie");
    }
}
