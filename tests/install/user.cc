// Prints the version of the installed library.
#include <cstdio>
#include <skald/version.h>

int main() {
    std::puts(skald::kVersion);
    return 0;
}
