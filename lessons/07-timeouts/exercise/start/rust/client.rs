// rustc client.rs
use std::io::stdin;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let [address, port] = &words[words.len() - 2..] else { return };
    for amount in stdin().lines().map_while(Result::ok) {
        // Send the bank a number and the amount, and print the balance. Try again after a second, with the same number.
        let _ = (address, port, amount);
    }
}
