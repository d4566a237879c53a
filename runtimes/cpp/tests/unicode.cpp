#include <iostream>

int main() { std::cout << "Grüße, 世界 🌍\n"; }
