package simulator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// Traffic is a stream of random stories.
type Traffic struct {
	// CallsPerSecond is the mean rate at which stories begin; the pauses between
	// are random. Required. Speed does not change it.
	CallsPerSecond float64
	// MaxOpen stories at a time; those that would be more are skipped. Default:
	// as many as there are people for.
	MaxOpen int
	// Mix weighs the stories. Default: all of them alike, but for the long one.
	Mix map[Story]int
	// Drain is how long running stories may take after the end before they hurry
	// to theirs. Default 30s.
	Drain time.Duration
}

// Traffic plays random stories until ctx ends, then lets the running ones finish.
// It returns when the last has ended, or an error when the traffic makes no sense.
// A story is skipped when it must wait for people longer than ctx lasts.
func (o *Org) Traffic(ctx context.Context, t Traffic) error {
	pick, err := o.mix(t)
	if err != nil {
		return err
	}
	orDefault(&t.MaxOpen, o.opts.Users)
	orDefault(&t.Drain, 30*time.Second)
	// Stories outlive ctx, but neither the drain nor the organization.
	playing, hurry := context.WithCancel(o.ctx)
	defer hurry()
	var running sync.WaitGroup
	slots := make(chan struct{}, t.MaxOpen)
	rng := o.dice.fork()
	next := time.NewTimer(0)
	defer next.Stop()
	due := time.Now()
	for {
		select {
		case <-ctx.Done():
		case <-o.ctx.Done():
		case <-next.C:
			gap := -math.Log(1-rng.Float64()) / t.CallsPerSecond
			due = due.Add(time.Duration(gap * float64(time.Second)))
			next.Reset(time.Until(due))
			story := pick[rng.IntN(len(pick))]
			select {
			case slots <- struct{}{}:
				running.Go(func() {
					defer func() { <-slots }()
					// Nobody was free before the end: the story is skipped.
					if _, err := o.play(ctx, playing, story, nil); err != nil {
						o.log.Debug("story skipped", "error", err)
					}
				})
			default:
			}
			continue
		}
		break
	}
	stop := time.AfterFunc(t.Drain, hurry)
	defer stop.Stop()
	running.Wait()
	return nil
}

// mix checks the traffic and lays the stories out by their weights.
func (o *Org) mix(t Traffic) ([]Story, error) {
	if !(t.CallsPerSecond > 0) || t.MaxOpen < 0 || t.Drain < 0 {
		return nil, errors.New("traffic: CallsPerSecond must be above 0, MaxOpen and Drain not below")
	}
	var pick []Story
	for _, story := range o.Stories() {
		weight := 1
		if t.Mix != nil {
			weight = t.Mix[story]
		} else if story == StoryLong || o.scripts[story].people > o.opts.Users {
			weight = 0
		}
		if weight > 0 && o.scripts[story].people > o.opts.Users {
			return nil, fmt.Errorf("traffic: story %q needs %d users", story, o.scripts[story].people)
		}
		pick = append(pick, slices.Repeat([]Story{story}, max(weight, 0))...)
	}
	for story := range t.Mix {
		if _, ok := o.scripts[story]; !ok {
			return nil, fmt.Errorf("traffic: %w %q: there is no such story", ErrStory, story)
		}
	}
	if len(pick) == 0 {
		return nil, errors.New("traffic: the mix is empty")
	}
	return pick, nil
}
