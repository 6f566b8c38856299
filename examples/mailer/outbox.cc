#include "outbox.h"

#include <chrono>
#include <string_view>

#include "orders.h"

namespace shop {

skald::WorkAnswer Outbox::send(const skald::Work& work) {
    StatusChanged change;
    if (auto ok = skald::cqrs::from_event(work.event, change); !ok) {
        return skald::ParkWork{ok.error().message};  // it will not be readable tomorrow either
    }
    const std::scoped_lock lock(mutex_);
    const std::string order(work.event.stream);
    const std::uint64_t version = work.event.version.value;
    if (const auto last = sent_.find(order); last != sent_.end() && version < last->second) {
        return skald::AckWork{};  // sent, but the answer was lost
    }
    const auto corrected = corrections_.find(change.mail);
    const std::string& to = corrected == corrections_.end() ? change.mail : corrected->second;
    changed_.notify_all();
    if (std::string_view(to).ends_with("@invalid.example")) {
        ++refused_;
        return skald::RetryWork{std::nullopt, "nobody takes mail for " + to};
    }
    file_ << order << ' ' << version << ' ' << to << ' ' << change.status << std::endl;
    if (!file_) {
        return skald::RetryWork{std::nullopt, "the outbox takes nothing"};
    }
    sent_[order] = version + 1;
    ++mails_;
    return skald::AckWork{};
}

void Outbox::correct(const std::string& wrong, const std::string& right) {
    const std::scoped_lock lock(mutex_);
    corrections_[wrong] = right;
}

bool Outbox::wait_for(std::size_t mails, std::size_t refused) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1),
                             [&] { return mails_ >= mails && refused_ >= refused; });
}

std::map<std::string, std::vector<std::string>> mails_in(const std::string& path) {
    std::map<std::string, std::vector<std::string>> mails;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        mails[line.substr(0, line.find(' '))].push_back(line);
    }
    return mails;
}

}  // namespace shop
