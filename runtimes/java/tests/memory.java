import java.util.ArrayList;

class Memory {
    public static void main(String[] args) {
        ArrayList<byte[]> all = new ArrayList<>();
        while (true) all.add(new byte[1 << 20]);
    }
}
