// A last word when the process is ended by a fault of memory.
#pragma once

namespace skald::cli {

// From now on SIGSEGV and SIGBUS say one line on standard error and end the process with status 1:
// pages of a damaged data directory send those who follow them anywhere. Whoever handles these
// signals already, as a sanitizer does, keeps them. Once, before any thread.
void report_faults();

}  // namespace skald::cli
