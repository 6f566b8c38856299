// A scavenge that a node does. The same message begins it and asks how it stands, so that a lost
// answer, or a node that was restarted, needs no care.
#include <algorithm>
#include <thread>

#include "base/random.h"
#include "client/connection.h"

namespace skald {
namespace {

namespace msg = wire::msg;

constexpr auto kAskAgainMin = std::chrono::milliseconds(10);
constexpr auto kAskAgainMax = std::chrono::milliseconds(1000);

}  // namespace

Result<ScavengeReport> scavenge_node(const ClientOptions& options, const AdminProgress& progress) {
    auto connection = client::Connection::open_for_logs(options);
    if (!connection) {
        return connection.error();
    }
    const msg::Scavenge question{0, random_uuid()};
    for (auto ask_again = kAskAgainMin;; ask_again = std::min(2 * ask_again, kAskAgainMax)) {
        auto standing = (*connection)
                            ->answer_to<msg::ScavengeAnswer>(
                                question, [](msg::ScavengeAnswer& answer) { return answer; });
        if (!standing) {
            return standing.error();
        }
        if (progress && standing->total != 0) {
            progress(standing->done, standing->total);
        }
        if (!standing->running) {
            return standing->report;
        }
        std::this_thread::sleep_for(ask_again);
    }
}

}  // namespace skald
