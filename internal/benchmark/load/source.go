package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options say what the organization is like.
type Options struct {
	// Agents are the users.
	Agents int `json:"agents"`
	// Desks is how many calls there are at a time; users have several when there are
	// more of them. 0: one for each user.
	Desks int `json:"desks,omitempty"`
	// Endless calls go on for ever.
	Endless bool `json:"endless,omitempty"`
}

// Source is the organization and its load.
type Source struct {
	agents   int
	listener net.Listener
	requests atomic.Int64

	mu     sync.Mutex
	script *script
	byID   map[string]*channel
	plain  []*socket   // get every frame
	routes [][]*socket // by user
	frame  []byte
}

// Where says under which addresses the source is reached. It is the first line that
// [Serve] writes.
type Where struct {
	// API is the URL of the REST API and of the login.
	API string `json:"api"`
	// All is the URL of a websocket that gets every frame.
	All string `json:"all"`
}

// Order asks for frames. Each is a line that [Serve] reads.
type Order struct {
	Frames int `json:"frames"`
	// Rate is how many frames are due per second; 0: as many as the peers take.
	Rate float64 `json:"rate,omitempty"`
}

// Done tells what came of an order. Each is a line that [Serve] writes.
type Done struct {
	// First is the number of the first frame, the others follow it.
	First  int `json:"first"`
	Frames int `json:"frames"`
	// Unheard is how many of them had no socket to go to.
	Unheard int `json:"unheard,omitempty"`
	// Begin is when the first frame was due, End when the last one was sent, in
	// nanoseconds of Unix time. Frame i was due at Begin + i/rate.
	Begin int64 `json:"begin"`
	End   int64 `json:"end"`
	// Requests is how many REST requests there were since the start.
	Requests int64 `json:"requests"`
	// Open is how many calls go on now.
	Open  int    `json:"open"`
	Error string `json:"error,omitempty"`
}

// Serve runs a source until the orders end or ctx does. Orders and answers are lines of
// JSON. An order of no frames asks for the figures only.
func Serve(ctx context.Context, o Options, orders io.Reader, answers io.Writer) (err error) {
	if o.Desks == 0 {
		o.Desks = o.Agents
	}
	if o.Agents < 1 || o.Desks < 1 {
		return fmt.Errorf("%d agents at %d desks: must be above 0", o.Agents, o.Desks)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s := &Source{agents: o.Agents, listener: l, script: newScript(o), byID: make(map[string]*channel), routes: make([][]*socket, o.Agents)}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() { // ends when the server is closed
		defer close(served)
		_ = server.Serve(l)
	}()
	ctx, cancel := context.WithCancel(ctx)
	var beats sync.WaitGroup
	beats.Go(func() { s.beat(ctx) })
	defer func() {
		cancel()
		beats.Wait()
		err = errors.Join(err, server.Close())
		<-served
		s.hangUp()
	}()
	write := json.NewEncoder(answers)
	if err := write.Encode(Where{API: "http://" + l.Addr().String(), All: s.wsURL() + "/all"}); err != nil {
		return fmt.Errorf("write the address: %w", err)
	}
	for read := json.NewDecoder(orders); ; {
		var o Order
		if err := read.Decode(&o); errors.Is(err, io.EOF) || ctx.Err() != nil {
			return nil
		} else if err != nil {
			return fmt.Errorf("read an order: %w", err)
		}
		if err := write.Encode(s.play(ctx, o)); err != nil {
			return fmt.Errorf("write an answer: %w", err)
		}
	}
}

func (s *Source) wsURL() string { return "ws://" + s.listener.Addr().String() }

// open accepts a websocket.
func (s *Source) open(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.byID[strings.TrimPrefix(r.URL.Path, "/channels/")]
	if c == nil && r.URL.Path != "/all" {
		missing(w)
		return
	}
	k, err := upgrade(w, r)
	if err != nil {
		return
	}
	if c == nil {
		s.plain = append(s.plain, k)
	} else {
		if c.socket != nil {
			_ = c.socket.conn.Close() // there is one socket to a channel
		}
		c.socket = k
	}
	s.route()
}

// route finds the sockets of each desk. It is called under the lock.
func (s *Source) route() {
	for i := range s.routes {
		s.routes[i] = slices.Clone(s.plain)
	}
	for _, c := range s.byID {
		if c.socket == nil {
			continue
		}
		for t := range c.topics {
			id, ok := strings.CutPrefix(t, "v2.users.")
			id, calls := strings.CutSuffix(id, ".conversations.calls")
			if n := numberOf(idUser, id); ok && calls && n > 0 && n <= s.agents {
				s.routes[n-1] = append(s.routes[n-1], c.socket)
			}
		}
	}
}

// sockets are all that are open.
func (s *Source) sockets() []*socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.plain)
	for _, c := range s.byID {
		if c.socket != nil {
			all = append(all, c.socket)
		}
	}
	return all
}

// beat sends the heartbeats of the platform.
func (s *Source) beat(ctx context.Context) {
	for tick := time.NewTicker(20 * time.Second); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			for _, k := range s.sockets() {
				k.say(opText, []byte(heartbeatText))
			}
		}
	}
}

func (s *Source) hangUp() {
	for _, k := range s.sockets() {
		_ = k.conn.Close()
	}
}

// play sends frames at the pace that is asked for.
func (s *Source) play(ctx context.Context, o Order) Done {
	s.mu.Lock()
	d := Done{First: s.script.last + 1}
	s.mu.Unlock()
	all := s.sockets()
	flush := func() error {
		var err error
		for _, k := range all {
			if fault := k.flush(); fault != nil {
				err = errors.Join(err, fault)
			}
		}
		return err
	}
	begin := time.Now()
	if o.Rate > 0 {
		begin = begin.Add(5 * time.Millisecond) // nothing is due before it can be sent
	}
	now := begin
	var err error
	for d.Frames < o.Frames && ctx.Err() == nil && err == nil {
		if o.Rate > 0 {
			due := begin.Add(time.Duration(float64(d.Frames) / o.Rate * float64(time.Second)))
			if now = time.Now(); now.Before(due) {
				if err = flush(); err != nil {
					break
				}
				pause(time.Until(due))
			}
		} else if d.Frames%256 == 0 {
			now = time.Now() // what frames say of time need not be exact
		}
		heard, fault := s.send(now)
		if err = fault; !heard {
			d.Unheard++
		}
		d.Frames++
	}
	if err = errors.Join(err, flush()); err != nil {
		d.Error = err.Error()
	}
	d.Begin, d.End, d.Requests = begin.UnixNano(), time.Now().UnixNano(), s.requests.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.script.desks {
		if s.script.desks[i].step > 0 {
			d.Open++
		}
	}
	return d
}

// send renders one frame and gives it to whoever is subscribed.
func (s *Source) send(now time.Time) (heard bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var user int
	s.frame, user = s.script.next(s.frame[:0], now)
	to := s.routes[user-1]
	for _, k := range to {
		if fault := k.add(s.frame); fault != nil {
			err = errors.Join(err, fault)
		}
	}
	return len(to) > 0, err
}
