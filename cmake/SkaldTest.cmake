# skald_test(<name> SOURCES <files>... [LINKS <targets>...] [KINDS <kinds>...] [ONE_ENTRY])
#
# One test executable, skald_<name>_tests. Each TEST_CASE becomes a ctest entry labelled by its
# kind, which is the kind tag it carries: contract, golden, model, sim or crash; without one it is
# a unit test. KINDS names the kinds found here besides unit. A kind that is not named still runs,
# labelled unit, so no test can be lost. ONE_ENTRY registers the executable as one entry, for a
# suite whose start is dear; its label is then the first of KINDS, or unit. An entry has 300 s.
set(SKALD_TEST_TIMEOUT_S 300)
# Of processes that lose their connections.
set(SKALD_LSAN_OPTIONS
    "suppressions=${PROJECT_SOURCE_DIR}/tests/lsan.supp:print_suppressions=0")

function(skald_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "ONE_ENTRY" "" "SOURCES;LINKS;KINDS")
    if(NOT BUILD_TESTING)
        return()
    endif()
    set(target skald_${name}_tests)
    add_executable(${target} ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE skald_options skald_catch_main ${arg_LINKS})
    if(arg_ONE_ENTRY)
        set(kinds ${arg_KINDS} unit)
        list(GET kinds 0 kind)
        add_test(NAME ${name} COMMAND ${target})
        set_tests_properties(${name} PROPERTIES LABELS ${kind} TIMEOUT ${SKALD_TEST_TIMEOUT_S})
        return()
    endif()
    # A test with two kind tags belongs to the first of KINDS it carries: one entry, not two.
    set(taken "")
    foreach(kind IN LISTS arg_KINDS)
        skald_discover(${target} ${kind} "[${kind}]${taken}")
        string(APPEND taken "~[${kind}]")
    endforeach()
    skald_discover(${target} unit "${taken}")
endfunction()

function(skald_discover target label spec)
    catch_discover_tests(
        ${target}
        TEST_SPEC ${spec}
        PROPERTIES LABELS ${label} TIMEOUT ${SKALD_TEST_TIMEOUT_S})
endfunction()

# skald_fuzzer(<name> SOURCES <files>... [LINKS <targets>...] CORPUS <dir>)
#
# With SKALD_BUILD_FUZZERS a libFuzzer program fuzz_<name>; else the same target over its stored
# inputs. Either way ctest runs the corpus, labelled fuzz.
function(skald_fuzzer name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "CORPUS" "SOURCES;LINKS")
    set(target fuzz_${name})
    set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/${arg_CORPUS})
    add_executable(${target} ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE skald_options ${arg_LINKS})
    if(SKALD_BUILD_FUZZERS)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        add_test(NAME ${target} COMMAND ${target} -runs=0 ${corpus})
    else()
        target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cc)
        add_test(NAME ${target} COMMAND ${target} ${corpus})
    endif()
    set_tests_properties(${target} PROPERTIES LABELS fuzz TIMEOUT ${SKALD_TEST_TIMEOUT_S})
endfunction()
