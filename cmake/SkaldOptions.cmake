# Options of the build, and the compiler flags every target of ours shares.

option(SKALD_WERROR "Warnings are errors (the presets turn it on)" OFF)
option(SKALD_BUILD_EXAMPLES "Build examples/" ON)
option(SKALD_BUILD_BENCH "Build bench/" OFF)
option(SKALD_BUILD_SOAK "Build the programs of ./run soak, as testing does" OFF)
option(SKALD_BUILD_FUZZERS "Build the fuzz targets with libFuzzer (clang only)" OFF)
set(SKALD_SANITIZE "" CACHE STRING "Sanitizers for the whole tree, as -fsanitize= takes them")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
    find_program(SKALD_CCACHE ccache)
    if(SKALD_CCACHE)
        set(CMAKE_CXX_COMPILER_LAUNCHER ${SKALD_CCACHE})
    endif()
endif()

if(SKALD_SANITIZE)
    add_compile_options(-fsanitize=${SKALD_SANITIZE} -fno-sanitize-recover=all
                        -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${SKALD_SANITIZE})
endif()
if(SKALD_BUILD_FUZZERS)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Linked privately by every target of ours: warnings, and includes from the top of the tree.
add_library(skald_options INTERFACE)
target_compile_features(skald_options INTERFACE cxx_std_20)
target_compile_options(skald_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                               -Wold-style-cast)
if(SKALD_WERROR)
    target_compile_options(skald_options INTERFACE -Werror)
endif()
target_include_directories(skald_options INTERFACE ${PROJECT_SOURCE_DIR}
                                                   ${PROJECT_SOURCE_DIR}/include)
