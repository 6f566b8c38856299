#include <unistd.h>

#include <iostream>

#include "cli/backends.h"
#include "cli/commands/commands.h"
#include "cli/fault_report.h"
#include "cli/program.h"

namespace {

skald::cli::Environment environment_of(char** variables) {
    skald::cli::Environment environment;
    for (char** at = variables; *at != nullptr; ++at) {
        const std::string_view entry = *at;
        const std::size_t equals = entry.find('=');
        if (entry.starts_with("SKALD_") && equals != std::string_view::npos) {
            environment.emplace(entry.substr(0, equals), entry.substr(equals + 1));
        }
    }
    return environment;
}

}  // namespace

int main(int argc, char** argv) {
    namespace cli = skald::cli;
    cli::report_faults();
    auto stop = cli::StopSignal::create();
    if (!stop) {
        std::cerr << "skald: " << stop.error().message << '\n';
        return 1;
    }
    const cli::SignalGuard signals(*stop);
    const auto input = cli::FileSource::standard_input(*stop);
    cli::Console console{.in = *input,
                         .out = std::cout,
                         .err = std::cerr,
                         .out_is_terminal = ::isatty(STDOUT_FILENO) == 1,
                         .err_is_terminal = ::isatty(STDERR_FILENO) == 1,
                         .environment = environment_of(environ),
                         .clock = skald::SystemClock::instance(),
                         .stop = *stop};
    const std::vector<std::string> words(argv + 1, argv + argc);
    return cli::run_program(words, console, cli::real_backends(), cli::all_commands());
}
