// Asks one member of etcd after the other, as somebody.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "coord/etcd_outcome.h"
#include "skald/clock.h"
#include "skald/etcd.h"

namespace skald::coord {

// Thread safe; calls wait.
class EtcdCalls {
  public:
    EtcdCalls(const EtcdOptions& options, HttpClient& http, const Clock& clock)
        : options_(options), http_(http), clock_(clock), kept_(std::make_shared<Kept>()) {}

    // The reply. Of a change that must not be done twice: outcome_unknown unless it is certain.
    enum class Of : std::uint8_t { reading, change };
    Result<std::string> ask(Of kind, const std::string& path, const std::string& body);

    std::size_t endpoints() const { return options_.endpoints.size(); }
    // That answered last.
    std::size_t preferred() const { return preferred_; }
    std::chrono::milliseconds timeout() const { return options_.timeout; }
    // So much of that for each, when all are to have their turn.
    std::chrono::milliseconds share() const {
        return options_.timeout / static_cast<int>(endpoints());
    }
    // To one member, with what shows who asks. Does not wait: while that has to be asked for, which
    // it begins, there is none.
    std::optional<HttpRequest> request(std::size_t endpoint, const std::string& path,
                                       const std::string& body);
    // The last one is of no use any more.
    void forget_token();

  private:
    EtcdOutcome round(Of kind, const std::string& path, const std::string& body,
                      const std::string& token, Monotonic deadline);
    HttpRequest request_with(std::size_t endpoint, const std::string& path, const std::string& body,
                             const std::string& token) const;
    HttpEnd wait_for(HttpRequest request);
    std::string authentication() const;
    Result<std::string> token(Monotonic deadline);
    std::string kept_token() const;
    void forget(const std::string& token);

    const EtcdOptions options_;
    HttpClient& http_;
    const Clock& clock_;
    std::atomic<std::size_t> preferred_{0};
    // Outlives the calls, for an answer that comes late.
    struct Kept {
        std::mutex mutex;
        std::string token;   // guarded by mutex, like the next
        bool asked = false;  // for it, by one who does not wait
    };
    const std::shared_ptr<Kept> kept_;
};

}  // namespace skald::coord
