#include "coord/etcd_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <utility>

#include "coord/etcd_messages.h"

namespace skald::coord {
namespace {

using std::chrono::milliseconds;
using Next = EtcdOutcome::Next;

constexpr std::string_view kTokenHeader = "Authorization: ";
constexpr const char* kAuthenticate = "/v3/auth/authenticate";

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
    EtcdOutcome outcome{Next::elsewhere,
                        {},
                        {kind == Of::change ? Errc::unreachable : Errc::timed_out,
                         "there was no time left to ask etcd"}};
    std::string reasons;  // of each member that was asked
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
        reasons += fmt::format("{}{}: {}", reasons.empty() ? "etcd at " : "; ",
                               options_.endpoints[endpoint], outcome.error.message);
        outcome.error.message = reasons;
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

std::optional<HttpRequest> EtcdCalls::request(std::size_t endpoint, const std::string& path,
                                              const std::string& body) {
    const std::string known = kept_token();
    if (!known.empty() || options_.user.empty()) {
        return request_with(endpoint, path, body, known);
    }
    {
        const std::lock_guard lock(kept_->mutex);
        if (std::exchange(kept_->asked, true)) {
            return std::nullopt;
        }
    }
    HttpRequest request = request_with(endpoint, kAuthenticate, authentication(), {});
    request.repeatable = true;
    request.timeout = share();
    http_.post(std::move(request), [kept = kept_](HttpEnd end) {
        const EtcdOutcome outcome = outcome_of(std::move(end), false);
        auto token = EtcdMessages::token(outcome.reply);
        const std::lock_guard lock(kept->mutex);
        kept->asked = false;
        kept->token = token ? std::move(*token) : kept->token;
    });
    return std::nullopt;
}

// ---- who asks

std::string EtcdCalls::authentication() const {
    return EtcdMessages::authenticate(options_.user, options_.password);
}

std::string EtcdCalls::kept_token() const {
    const std::lock_guard lock(kept_->mutex);
    return kept_->token;
}

// Several may ask for one at a time: who waits for another's would wait longer than its own time.
Result<std::string> EtcdCalls::token(Monotonic deadline) {
    std::string kept = kept_token();
    if (!kept.empty() || options_.user.empty()) {
        return kept;
    }
    EtcdOutcome outcome = round(Of::reading, kAuthenticate, authentication(), {}, deadline);
    if (outcome.next != Next::answered) {
        return std::move(outcome.error);
    }
    auto token = EtcdMessages::token(outcome.reply);
    if (token) {
        const std::lock_guard lock(kept_->mutex);
        kept_->token = *token;
    }
    return token;
}

void EtcdCalls::forget(const std::string& token) {
    const std::lock_guard lock(kept_->mutex);
    if (kept_->token == token) {
        kept_->token.clear();
    }
}

void EtcdCalls::forget_token() {
    const std::lock_guard lock(kept_->mutex);
    kept_->token.clear();
}

}  // namespace skald::coord
