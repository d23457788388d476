import { act, renderHook } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { useNow } from "./now";

afterEach(() => vi.useRealTimers());

describe("the present", () => {
  it("goes on for all who ask at once, with one timer, which ends with the last of them", () => {
    vi.useFakeTimers({ now: 1_000 });
    const one = renderHook(() => useNow(500));
    const other = renderHook(() => useNow(500));
    const still = renderHook(() => useNow(null));
    expect(vi.getTimerCount()).toBe(1);
    act(() => vi.advanceTimersByTime(500));
    expect([one.result.current, other.result.current, still.result.current]).toEqual([1_500, 1_500, 1_000]);
    one.unmount();
    expect(vi.getTimerCount()).toBe(1);
    other.unmount();
    expect(vi.getTimerCount()).toBe(0);
  });
});
