class Flood {
    public static void main(String[] args) {
        String line = "x".repeat(63);
        while (true) System.out.println(line);
    }
}
