package app

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go/micro"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// ServiceName is the name under which every instance offers its commands to the
// standard NATS tooling.
const ServiceName = "genesys-ingestor"

// service offers the commands of this instance: status, start, stop, restart and
// step-down, on ingestor.<adapter>.<instance>.<command>.
func (a *App) service() (micro.Service, error) {
	s, err := micro.AddService(a.nc, micro.Config{
		Name: ServiceName, Version: serviceVersion(a.opts.Version),
		Description: "Genesys Cloud call notifications to recorder control events",
		Metadata:    map[string]string{"adapter": a.set.AdapterName, "instance": a.set.InstanceID},
	})
	if err != nil {
		return nil, err
	}
	group := s.AddGroup(ServicePrefix(a.set.AdapterName, a.set.InstanceID), micro.WithGroupQueueGroupDisabled())
	for name, f := range map[string]func() (any, error){
		"status": func() (any, error) { return a.Status(), nil },
		"start":  func() (any, error) { return a.startNow(), nil },
		"stop": func() (any, error) {
			time.AfterFunc(50*time.Millisecond, a.Stop)
			return said("handing over and stopping"), nil
		},
		"restart":   a.restartNow,
		"step-down": a.stepDown,
	} {
		if err := group.AddEndpoint(name, micro.HandlerFunc(func(r micro.Request) { answer(r, f) })); err != nil {
			_ = s.Stop()
			return nil, err
		}
	}
	return s, nil
}

// ServicePrefix is the subject before the name of a command.
func ServicePrefix(adapter, instance string) string {
	return "ingestor." + recording.AdapterToken(adapter) + "." + recording.Token(instance)
}

// refusal is a command that an instance understands and does not carry out.
type refusal string

// Error is the reason.
func (r refusal) Error() string { return string(r) }

func (a *App) startNow() any {
	if a.connecting() {
		return said("started already")
	}
	a.Start()
	return said("starting")
}

func (a *App) restartNow() (any, error) {
	if !a.connecting() {
		return nil, refusal("refused: this instance was not started yet")
	}
	a.Restart("requested")
	return said("restarting the session"), nil
}

func (a *App) stepDown() (any, error) {
	if !a.leads() {
		return nil, refusal("refused: this instance does not lead")
	}
	switch other, ok := a.peers.other(time.Now()); {
	case !ok:
		return nil, refusal("refused: no other instance is there")
	case !other.Ready && other.Error != "":
		return nil, refusal("refused: instance " + other.Instance + " is not ready: " + other.Error)
	case !other.Ready:
		return nil, refusal("refused: instance " + other.Instance + " is not ready yet")
	}
	if !a.yield("asked to step down") {
		return nil, refusal("refused: this instance does not lead")
	}
	return said("stepping down"), nil
}

// connecting reports whether this instance was told to connect.
func (a *App) connecting() bool {
	select {
	case <-a.connect:
		return true
	default:
		return false
	}
}

func said(s string) map[string]string { return map[string]string{"result": s} }

func answer(r micro.Request, f func() (any, error)) {
	v, err := f()
	if err == nil {
		var data []byte
		if data, err = json.Marshal(v); err == nil {
			_ = r.Respond(data)
			return
		}
	}
	code := "500"
	if _, refused := errors.AsType[refusal](err); refused {
		code = "409"
	}
	_ = r.Error(code, err.Error(), nil)
}

// serviceVersion makes a version that the service framework accepts: semantic.
func serviceVersion(v string) string {
	if len(v) > 1 && v[0] == 'v' && v[1] >= '0' && v[1] <= '9' {
		return v[1:]
	}
	return "0.0.0"
}
