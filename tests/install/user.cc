// Prints the version of the installed library.
#include <skald/version.h>

#include <cstdio>

int main() {
    std::puts(skald::kVersion);
    return 0;
}
