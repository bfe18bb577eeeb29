package genesys_test

import (
	"net"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
)

// The sink is told before a socket waits for the network, also in the middle of a frame, and
// not while something that has come is not read.
func TestFlushComesBeforeTheNetworkIsWaitedFor(t *testing.T) {
	near, far := net.Pipe()
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	if err := near.SetDeadline(time.Now().Add(20 * time.Second)); err != nil { // who is not told, waits
		t.Fatal(err)
	}
	flushed := make(chan struct{}, 4)
	go func() {
		for _, text := range []string{"abcdef", "gh"} {
			<-flushed
			if _, err := far.Write([]byte(text)); err != nil {
				t.Error(err)
			}
		}
	}()
	conn := genesys.NewBuffered(near, func() { flushed <- struct{}{} })
	for _, want := range []string{"abcd", "ef", "gh"} {
		b := make([]byte, 4)
		n, err := conn.Read(b)
		if err != nil || string(b[:n]) != want {
			t.Fatalf("read %q, %v, want %q", b[:n], err, want)
		}
		if len(flushed) > 0 {
			t.Errorf("told before %q was read", want)
		}
	}
}
