fn main() {
    let a = 1;
    let b: &str = a;
    println!("{b}");
}
