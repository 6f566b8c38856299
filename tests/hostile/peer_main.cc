// One sort of hostile peers, started by skald_hostile.
//
//   skald_hostile_peer --kind NAME --endpoint EP [--count N] [--seed S]
//
// NAME: one of manners.cc, churn or heartbeats. Puts marks on file descriptor 3 as it goes on.
#include <cstdio>

#include "tests/crash/arguments.h"
#include "tests/hostile/manners.h"

int main(int count, char** values) {
    using namespace skald::hostile;
    const skald::crash::Arguments arguments(count, values, " --kind --endpoint --count --seed ");
    const std::string kind = arguments.text("--kind");
    const Orders orders{arguments.text("--endpoint"), arguments.number("--count", 1),
                        arguments.number("--seed", 1)};
    if (kind == "churn") {
        run_churn(orders);
        return 0;
    }
    if (kind == "heartbeats") {
        run_heartbeats(orders);
    }
    const Kind* found = kind_of(kind);
    if (found == nullptr) {
        std::fprintf(stderr, "%s: no kind %s\n", values[0], kind.c_str());
        return 2;
    }
    run_peers(*found, orders);
}
