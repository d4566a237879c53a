class Unicode {
    public static void main(String[] args) {
        System.out.println("Grüße, 世界 🌍");
    }
}
