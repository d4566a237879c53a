pub fn main() void {
    const a: u8 = 1;
    const b: []const u8 = a;
}
