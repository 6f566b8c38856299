#include "client/work_answers.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/glob.h"
#include "base/limits.h"

namespace skald::client {
namespace {

constexpr std::size_t kReasonsBytesMax = limits::kRequestBytesMax / 4;  // of one request

// Of an answer that has one, const or not; else nullptr.
template <typename Answer>
auto reason_of(Answer& answer) -> decltype(&std::get_if<ParkWork>(&answer)->reason) {
    if (auto* retry = std::get_if<RetryWork>(&answer)) {
        return &retry->reason;
    }
    auto* park = std::get_if<ParkWork>(&answer);
    return park == nullptr ? nullptr : &park->reason;
}

std::size_t reason_bytes(const WorkAnswer& answer) {
    const std::string* reason = reason_of(answer);
    return reason == nullptr ? 0 : reason->size();
}

// Within what a request may say.
WorkAnswer bounded(WorkAnswer answer) {
    if (std::string* reason = reason_of(answer)) {
        *reason = utf8_prefix(*reason, limits::kWorkReasonBytesMax);
    }
    if (auto* retry = std::get_if<RetryWork>(&answer); retry != nullptr && retry->delay) {
        retry->delay =
            std::clamp(*retry->delay, std::chrono::milliseconds(0), limits::kWorkTimeMax);
    }
    return answer;
}

bool mergeable(const WorkAnswer& answer) {
    return !std::holds_alternative<RetryWork>(answer) && !std::holds_alternative<ParkWork>(answer);
}

}  // namespace

std::uint64_t WorkAnswers::add(Place place, WorkAnswer answer, bool late) {
    ++added_;
    if (!waiting_.empty() && !late && mergeable(answer)) {
        Answered& before = waiting_.back();
        if (!before.late && !before.places.extend &&
            before.places.answer.index() == answer.index() &&
            before.places.partition == place.partition && before.places.next == place.offset) {
            ++before.places.next;
            before.last = added_;
            return added_;
        }
    }
    waiting_.push_back(
        {{place.partition, place.offset, place.offset + 1, bounded(std::move(answer)), {}},
         added_,
         late});
    return added_;
}

void WorkAnswers::extend(Place place, std::chrono::microseconds by) {
    const auto most = std::chrono::microseconds(limits::kWorkTimeMax);
    waiting_.push_back({{place.partition, place.offset, place.offset + 1, AckWork{},
                         std::clamp(by, std::chrono::microseconds(0), most)},
                        added_,
                        false});
}

std::vector<wire::AnsweredPlaces> WorkAnswers::begin() {
    std::vector<wire::AnsweredPlaces> places;
    std::size_t bytes = 0;
    while (!waiting_.empty() && places.size() < limits::kMemberAnswersMax &&
           bytes < kReasonsBytesMax) {
        bytes += reason_bytes(waiting_.front().places.answer);
        places.push_back(waiting_.front().places);
        under_way_.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
    }
    return places;
}

void WorkAnswers::confirm() {
    if (!under_way_.empty()) {
        confirmed_ = under_way_.back().last;
        under_way_.clear();
    }
}

void WorkAnswers::lose() {
    std::deque<Answered> all;
    std::move(under_way_.begin(), under_way_.end(), std::back_inserter(all));
    std::move(waiting_.begin(), waiting_.end(), std::back_inserter(all));
    under_way_.clear();
    waiting_.clear();
    for (Answered& answered : all) {
        const wire::AnsweredPlaces& places = answered.places;
        if (places.extend) {
            continue;  // what it held is lost
        }
        for (Offset offset = places.first; offset < places.next; ++offset) {
            waiting_.push_back(
                {{places.partition, offset, offset + 1, places.answer, {}}, answered.last, true});
        }
    }
}

}  // namespace skald::client
