#include "coord/etcd_calls.h"

#include <algorithm>
#include <future>

#include "coord/etcd_messages.h"

namespace skald::coord {
namespace {

using std::chrono::milliseconds;
using Next = EtcdOutcome::Next;

constexpr std::string_view kTokenHeader = "Authorization: ";

milliseconds until(Monotonic deadline, Monotonic now) {
    return std::chrono::ceil<milliseconds>(deadline - now);
}

}  // namespace

Result<std::string> EtcdCalls::ask(Of kind, const std::string& path, const std::string& body) {
    const Monotonic deadline = clock_.monotonic() + timeout();
    EtcdOutcome outcome;
    // The token that was kept may be too old: once.
    for (int tries = 0; tries < 2; ++tries) {
        const auto token = this->token(deadline);
        if (!token) {
            return token.error();
        }
        outcome = round(kind, path, body, *token, deadline);
        if (outcome.next != Next::authenticate) {
            break;
        }
        forget(*token);
    }
    return outcome.next == Next::answered ? Result<std::string>(std::move(outcome.reply))
                                          : std::move(outcome.error);
}

EtcdOutcome EtcdCalls::round(Of kind, const std::string& path, const std::string& body,
                             const std::string& token, Monotonic deadline) {
    const std::size_t first = preferred_;
    EtcdOutcome outcome{Next::elsewhere, {}, {Errc::timed_out, "etcd: no member has answered"}};
    for (std::size_t i = 0; i < endpoints(); ++i) {
        const milliseconds left = until(deadline, clock_.monotonic());
        if (left <= milliseconds(0)) {
            break;
        }
        const std::size_t endpoint = (first + i) % endpoints();
        HttpRequest request = request_with(endpoint, path, body, token);
        request.repeatable = kind == Of::reading;
        request.timeout = kind == Of::change ? left : left / static_cast<int>(endpoints() - i);
        request.timeout = std::max(request.timeout, milliseconds(1));
        outcome = outcome_of(wait_for(std::move(request)), kind == Of::change);
        if (outcome.next != Next::elsewhere) {
            // Who left a change without an answer may do so with the next.
            const bool unanswered = outcome.error.code == Errc::outcome_unknown;
            preferred_ = unanswered ? (endpoint + 1) % endpoints() : endpoint;
            break;
        }
    }
    return outcome;
}

HttpRequest EtcdCalls::request_with(std::size_t endpoint, const std::string& path,
                                    const std::string& body, const std::string& token) const {
    HttpRequest request;
    request.url = options_.endpoints[endpoint] + path;
    request.body = body;
    if (!token.empty()) {
        request.headers.push_back(std::string(kTokenHeader) + token);
    }
    return request;
}

HttpEnd EtcdCalls::wait_for(HttpRequest request) {
    const auto ended = std::make_shared<std::promise<HttpEnd>>();
    http_.post(std::move(request), [ended](HttpEnd end) { ended->set_value(std::move(end)); });
    return ended->get_future().get();
}

Result<HttpRequest> EtcdCalls::request(std::size_t endpoint, const std::string& path,
                                       const std::string& body) {
    const auto token = this->token(clock_.monotonic() + timeout());
    return token ? Result<HttpRequest>(request_with(endpoint, path, body, *token)) : token.error();
}

// ---- who asks

// Several may ask for one at a time: who waits for another's would wait longer than its own time.
Result<std::string> EtcdCalls::token(Monotonic deadline) {
    if (options_.user.empty()) {
        return std::string();
    }
    {
        const std::lock_guard lock(mutex_);
        if (!token_.empty()) {
            return token_;
        }
    }
    EtcdOutcome outcome =
        round(Of::reading, "/v3/auth/authenticate",
              EtcdMessages::authenticate(options_.user, options_.password), {}, deadline);
    if (outcome.next != Next::answered) {
        return std::move(outcome.error);
    }
    auto token = EtcdMessages::token(outcome.reply);
    if (token) {
        const std::lock_guard lock(mutex_);
        token_ = *token;
    }
    return token;
}

void EtcdCalls::forget(const std::string& token) {
    const std::lock_guard lock(mutex_);
    if (token_ == token) {
        token_.clear();
    }
}

void EtcdCalls::forget_token() {
    const std::lock_guard lock(mutex_);
    token_.clear();
}

}  // namespace skald::coord
