"""Ordinary code in each language that lint has rules for, to be repeated until it is long enough, and what a rule of the network
finds. `@@` stands for a number."""

# language -> extension, what stands before, what is repeated, what a rule finds
SAMPLES = {
    "python": ("py", '', r'''class Account@@:
    """Account number @@."""
    def __init__(self, name, balance=0):
        self.name = name
        self.balance = balance
        self.items = {"a": 1, "b": [x * 2 for x in range(10) if x % 2]}

    def deposit(self, amount):
        if amount <= 0:
            raise ValueError(f"bad amount {amount!r}")
        for key, value in sorted(self.items.items()):
            print(key, value, sep=", ")
        self.balance += amount
        return self.balance

''', 'import socket\nsocket.socket()\n'),
    "javascript": ("js", '', r'''class Account@@ {
  constructor(name, balance = 0) {
    this.name = name;
    this.balance = balance;
    this.items = { a: 1, b: [1, 2, 3].map((x) => x * 2) };
  }
  deposit(amount) {
    if (amount <= 0) throw new Error(`bad amount ${amount}`);
    for (const [key, value] of Object.entries(this.items)) {
      console.log(key, value);
    }
    this.balance += amount;
    return this.balance;
  }
}
''', 'fetch("http://x");\n'),
    "typescript": ("ts", '', r'''class Account@@ {
  items: Record<string, number[]>;
  constructor(private name: string, public balance: number = 0) {
    this.items = { a: [1], b: [1, 2, 3].map((x) => x * 2) };
  }
  deposit(amount: number): number {
    if (amount <= 0) throw new Error(`bad amount ${amount}`);
    for (const [key, value] of Object.entries(this.items)) {
      console.log(key, value);
    }
    this.balance += amount;
    return this.balance;
  }
}
''', 'fetch("http://x");\n'),
    "shell": ("sh", '', r'''deposit_@@() {
  local amount=$1 total=0
  if [ "$amount" -le 0 ]; then
    echo "bad amount $amount"
    return 1
  fi
  for key in a b c; do
    printf '%s %s\n' "$key" "${items[$key]}"
  done
  while read -r line; do
    case "$line" in
      a*) total=$((total + 1)) ;;
      *) echo "$line" ;;
    esac
  done
}
''', 'curl http://x\n'),
    "c": ("c", '#include <sys/socket.h>\n', r'''struct account@@ { const char *name; long balance; int items[10]; };
static long deposit@@(struct account@@ *self, long amount) {
  if (amount <= 0) {
    fprintf(stderr, "bad amount %ld\n", amount);
    return -1;
  }
  for (int i = 0; i < 10; ++i) {
    printf("%d %d\n", i, self->items[i]);
  }
  self->balance += amount;
  switch (amount % 3) {
    case 0: return 1;
    default: break;
  }
  return self->balance;
}
''', 'int main(void) { socket(1, 2, 3); }\n'),
    "cpp": ("cpp", '', r'''class Account@@ {
 public:
  explicit Account@@(std::string name, long balance = 0) : name_(std::move(name)), balance_(balance) {}
  long deposit(long amount) {
    if (amount <= 0) throw std::invalid_argument("bad amount");
    for (const auto& [key, value] : items_) {
      std::cout << key << " " << value << "\n";
    }
    balance_ += amount;
    return balance_;
  }
 private:
  std::string name_;
  long balance_ = 0;
  std::map<std::string, std::vector<int>> items_{{"a", {1}}};
};
''', '#include <boost/asio.hpp>\n'),
    "go": ("go", 'package main\nimport "net/http"\n', r'''type Account@@ struct {
	name    string
	balance int
	items   map[string][]int
}

func (a *Account@@) Deposit(amount int) (int, error) {
	if amount <= 0 {
		return 0, fmt.Errorf("bad amount %d", amount)
	}
	for key, value := range a.items {
		fmt.Println(key, value)
	}
	a.balance += amount
	return a.balance, nil
}
''', 'func main() { http.Get("http://x") }\n'),
    "rust": ("rs", '', r'''struct Account@@ { name: String, balance: i64, items: Vec<(String, i64)> }

impl Account@@ {
    fn deposit(&mut self, amount: i64) -> Result<i64, String> {
        if amount <= 0 {
            return Err(format!("bad amount {amount}"));
        }
        for (key, value) in &self.items {
            println!("{key} {value}");
        }
        self.balance += amount;
        match amount % 3 { 0 => Ok(1), _ => Ok(self.balance) }
    }
}
''', 'fn main() { TcpStream::connect("x:80"); }\n'),
    "java": ("java", 'import java.net.*;\n', r'''class Account@@ {
  private final String name;
  private long balance;
  private final java.util.Map<String, Integer> items = new java.util.HashMap<>();

  Account@@(String name) { this.name = name; }

  long deposit(long amount) {
    if (amount <= 0) throw new IllegalArgumentException("bad amount " + amount);
    for (var entry : items.entrySet()) {
      System.out.println(entry.getKey() + " " + entry.getValue());
    }
    balance += amount;
    return balance;
  }
}
''', 'class Main { void f() { new Socket("x", 80); } }\n'),
    "ruby": ("rb", '', r'''class Account@@
  attr_reader :name, :balance
  def initialize(name, balance = 0)
    @name = name
    @balance = balance
    @items = { "a" => 1, "b" => [1, 2, 3].map { |x| x * 2 } }
  end

  def deposit(amount)
    raise ArgumentError, "bad amount #{amount}" if amount <= 0
    @items.each do |key, value|
      puts key, value
    end
    @balance += amount
  end
end
''', 'TCPSocket.new("x", 80)\n'),
    "php": ("php", '<?php\n', r'''class Account@@ {
  private $items = ["a" => 1];
  public function __construct(private string $name, public int $balance = 0) {}

  public function deposit(int $amount): int {
    if ($amount <= 0) {
      throw new InvalidArgumentException("bad amount $amount");
    }
    foreach ($this->items as $key => $value) {
      echo $key, $value, "\n";
    }
    $this->balance += $amount;
    return $this->balance;
  }
}
''', 'curl_init("http://x");\n'),
}
