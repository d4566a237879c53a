class Wrong {
    public static void main(String[] args) {
        int a = "text";
    }
}
