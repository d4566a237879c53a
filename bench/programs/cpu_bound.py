# About a second of arithmetic and allocation, no system call to speak of.
def collatz(limit):
    longest = 0
    for start in range(1, limit):
        n, steps = start, 0
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        longest = max(longest, steps)
    return longest


def table(size):
    words = {f"word{i}": [i] * 4 for i in range(size)}
    return sum(len(value) for value in words.values())


print(collatz(100_000), table(100_000))
