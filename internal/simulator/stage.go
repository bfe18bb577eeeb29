package simulator

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Story is the name of a whole call, from the first ring to the wrap-up.
type Story string

// ErrStory is wrapped when a story cannot be played.
var ErrStory = errors.New("cannot play story")

// script is a story with the number of people that it needs.
type script struct {
	people int
	play   func(*stage) *Call
}

// stage is what a story plays on. When its context ends its people hurry: no pause
// is longer than a blink, and the story runs through to its natural end.
type stage struct {
	ctx  context.Context // The stage lives as long as one story.
	org  *Org
	rng  *rand.Rand
	cast []User
}

// pause waits a random human time, divided by the speed of the organization. Who
// hurries still takes a blink: nobody pauses and resumes in the same millisecond.
func (s *stage) pause(least, most time.Duration) {
	d := least
	if most > least {
		d += time.Duration(s.rng.Int64N(int64(most - least)))
	}
	d = time.Duration(float64(d) / s.org.opts.Speed)
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	select {
	case <-timer.C:
	case <-s.ctx.Done():
		timer.Reset(min(d, blink))
		<-timer.C
	}
}

// chance is true with probability p.
func (s *stage) chance(p float64) bool { return s.rng.Float64() < p }

// queue picks one of the queues that a user serves.
func (s *stage) queue(u User) string { return u.Queues[s.rng.IntN(len(u.Queues))] }

// Stories returns the names of all stories, sorted.
func (o *Org) Stories() []Story {
	names := make([]Story, 0, len(o.scripts))
	for name := range o.scripts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// People is how many users a story needs, 0 for an unknown one.
func (o *Org) People(story Story) int { return o.scripts[story].people }

// Play plays one story and returns the conversation when it is over, wrap-up
// included. It waits until enough people are free; users, by id, are cast first,
// in the order of the story's parts. When ctx ends early the story hurries to its
// end: no conversation is ever left open.
func (o *Org) Play(ctx context.Context, story Story, users ...string) (string, error) {
	return o.play(ctx, ctx, story, users)
}

// play waits for its cast while casting lasts, and plays at human speed while ctx does.
func (o *Org) play(castCtx, ctx context.Context, story Story, users []string) (string, error) {
	s, ok := o.scripts[story]
	if !ok {
		return "", fmt.Errorf("%w %q: there is no such story", ErrStory, story)
	}
	for _, id := range users {
		if o.directory.member(id) == nil {
			return "", fmt.Errorf("%w %q: there is no user %q", ErrStory, story, id)
		}
	}
	if n := max(s.people, len(users)); len(users) > s.people || n > o.opts.Users && n > len(o.directory.members()) {
		return "", fmt.Errorf("%w %q: it needs %d users, not %d", ErrStory, story, s.people, len(users))
	}
	ids, err := o.casting.take(castCtx, s.people, users)
	if err != nil {
		return "", fmt.Errorf("%w %q: nobody is free: %w", ErrStory, story, err)
	}
	defer o.casting.join(ids...)
	st := &stage{ctx: ctx, org: o, rng: o.dice.fork()}
	for _, id := range ids {
		st.cast = append(st.cast, o.directory.member(id).user())
	}
	call := s.play(st)
	if !call.Ended() {
		panic("simulator: story " + strings.ToUpper(string(story)) + " left its call open")
	}
	return call.ID(), nil
}
