/// IntrusiveList<T, Tag>: a doubly linked list whose links live in its elements.
///
/// An element derives from ListHook<Tag> once per list it can be in. Adding, removing and moving a
/// whole list are O(1) and allocate nothing; an element that is destroyed leaves its list by
/// itself. Thread  the elements' own.
#pragma once

#include "gateway/base/assert.h"

namespace sluice {

template <class T, class Tag>
class IntrusiveList;

template <class Tag>
class ListHook {
 public:
  ListHook() = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { unlink(); }

  [[nodiscard]] bool is_linked() const { return next_ != nullptr; }
  void unlink() {
    if (next_ == nullptr) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = prev_ = nullptr;
  }

 private:
  template <class T, class U>
  friend class IntrusiveList;
  ListHook* next_ = nullptr;
  ListHook* prev_ = nullptr;
};

template <class T, class Tag>
class IntrusiveList {
  using Hook = ListHook<Tag>;

 public:
  IntrusiveList() { head_.next_ = head_.prev_ = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (!empty()) head_.next_->unlink();
    head_.next_ = head_.prev_ = nullptr;
  }

  [[nodiscard]] bool empty() const { return head_.next_ == &head_; }
  [[nodiscard]] T& front() {
    SLUICE_ASSERT(!empty(), "front() of an empty list");
    return static_cast<T&>(*head_.next_);
  }
  /// Adds at the end. The element must not be in a list with this tag.
  void push_back(T& element) {
    Hook& hook = element;
    SLUICE_ASSERT(!hook.is_linked(), "element is in a list already");
    hook.prev_ = head_.prev_;
    hook.next_ = &head_;
    head_.prev_->next_ = &hook;
    head_.prev_ = &hook;
  }
  T& pop_front() {
    T& element = front();
    static_cast<Hook&>(element).unlink();
    return element;
  }
  /// Moves every element of `other` to the end of this list.
  void take_all(IntrusiveList& other) {
    if (other.empty()) return;
    head_.prev_->next_ = other.head_.next_;
    other.head_.next_->prev_ = head_.prev_;
    other.head_.prev_->next_ = &head_;
    head_.prev_ = other.head_.prev_;
    other.head_.next_ = other.head_.prev_ = &other.head_;
  }
  /// Calls `f(T&)` for each element; `f` may unlink that element and no other.
  template <class F>
  void for_each(F f) {
    for (Hook* hook = head_.next_; hook != &head_;) {
      Hook* next = hook->next_;
      f(static_cast<T&>(*hook));
      hook = next;
    }
  }

 private:
  Hook head_;
};

}  // namespace sluice
