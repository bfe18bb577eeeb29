package app

import "testing"

// The room fits some seconds of traffic, and is never much more than is in use, or than
// that traffic needs.
func TestHeapPercent(t *testing.T) {
	const mb = 1 << 20
	for _, one := range []struct {
		used, perSecond uint64
		want            int
	}{
		{0, 0, 100},
		{8 * mb, 0, 100},          // nobody calls
		{8 * mb, mb / 10, 100},    // five hundred agents
		{8 * mb, 2 * mb, 250},     // a thousand notifications a second
		{16 * mb, 20 * mb, 387},   // ten thousand: the bound
		{64 * mb, 0, 50},          // twenty thousand open legs
		{320 * mb, 2 * mb, 10},    // a hundred thousand
		{4096 * mb, 2 * mb, 10},   // and no less
		{320 * mb, 1000 * mb, 10}, // whatever the traffic
		{128 * mb, 1000 * mb, 37},
	} {
		if got := heapPercent(one.used, one.perSecond); got != one.want {
			t.Errorf("%d MB in use, %d MB a second: %d percent, want %d", one.used/mb, one.perSecond/mb, got, one.want)
		}
	}
}
