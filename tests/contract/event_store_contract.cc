#include "tests/contract/event_store_contract.h"

#include "tests/contract/fixture.h"

namespace skald::contract {

void run_event_store_contract(StoreFactory& factory) {
    for (const auto tests : {append_tests(), condition_tests(), repeat_tests(), read_tests(),
                             partition_tests(), lifecycle_tests(), stream_tests(),
                             subscription_tests(), limit_tests(), ephemeral_tests()}) {
        for (const Test& test : tests) {
            DYNAMIC_SECTION(test.name) {
                Fixture fixture(factory);
                test.run(fixture);
            }
        }
    }
}

}  // namespace skald::contract
