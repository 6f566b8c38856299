// Lets the n-th call of one name fail, or kills the program there.
//
// SKALD_SHIM_ROOT     the directory whose files are watched
// SKALD_FAULT_CALL    pwrite, writev, fdatasync, ftruncate, open (of a new file), rename, ...
// SKALD_FAULT_NTH     which one, from 1; only that one
// SKALD_FAULT_ACTION  EIO, ENOSPC, EDQUOT, short (half of it is written), lie (nothing is written,
//                     and it says all was), or kill-before, kill-torn, kill-after
// SKALD_FAULT_FIRED   a file that gets a byte when it happened: 'x' on a descriptor that is
//                     O_DIRECT, else 'w'
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "tests/crash/shim.h"

namespace skald::crash::shim {
namespace {

struct Fault {
    std::string call = setting("SKALD_FAULT_CALL");
    std::string action = setting("SKALD_FAULT_ACTION");
    long nth = std::atol(setting("SKALD_FAULT_NTH"));
    std::atomic<long> count{0};
};

Fault& fault() {
    static Fault* const the = new Fault;
    return *the;
}

bool strikes(std::string_view call, const Target& target) {
    if (target.kind == Target::Kind::acks || call != fault().call ||
        ++fault().count != fault().nth) {
        return false;
    }
    const char mark = target.direct ? 'x' : 'w';
    if (*setting("SKALD_FAULT_FIRED") != '\0') {
        append_raw(open_raw(setting("SKALD_FAULT_FIRED")), &mark, 1);
    }
    return true;
}

[[noreturn]] void die() {
    kill(getpid(), SIGKILL);
    for (;;) {
        pause();
    }
}

int fail() {
    errno = fault().action == "ENOSPC" ? ENOSPC : fault().action == "EDQUOT" ? EDQUOT : EIO;
    return -1;
}

}  // namespace

long on_write(const WriteCall& write) {
    if (!strikes(write.call, write.target)) {
        return write.perform();
    }
    const std::string& action = fault().action;
    if (action == "short" || action == "kill-torn") {
        const long written = write.perform_some(write.bytes / 2);
        return action == "short" ? written : (die(), written);
    }
    if (action == "lie") {
        return static_cast<long>(write.bytes);
    }
    if (action == "kill-after") {
        write.perform();
    }
    if (action.starts_with("kill")) {
        die();
    }
    return fail();
}

int on_call(const OtherCall& call) {
    if (!strikes(call.call, call.target)) {
        return call.perform();
    }
    const std::string& action = fault().action;
    if (action == "kill-after" || action == "short") {
        call.perform();
    }
    if (action.starts_with("kill")) {
        die();
    }
    return fail();
}

}  // namespace skald::crash::shim
