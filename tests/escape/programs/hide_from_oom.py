"""Lets others die when memory is short: lowers its own score."""
try:
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-900")
    print("ESCAPED")
except OSError as error:
    print(error)
    print("CONTAINED")
