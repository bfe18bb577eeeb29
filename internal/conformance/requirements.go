package conformance

// Requirement is something that the contract asks of a recorder.
type Requirement string

// The requirements.
const (
	Record   Requirement = "record"
	Arm      Requirement = "arm"
	Pause    Requirement = "pause"
	Resume   Requirement = "resume"
	Stop     Requirement = "stop"
	Update   Requirement = "update"
	Metadata Requirement = "metadata"
	Once     Requirement = "once"
	Hole     Requirement = "hole"
	Replay   Requirement = "replay"
	Feed     Requirement = "feed"
	Gap      Requirement = "gap"
	Silence  Requirement = "silence"
	Forward  Requirement = "forward"
	Refuse   Requirement = "refuse"
)

// Requirements lists every [Requirement] with what it asks, in the order in which they
// are shown.
func Requirements() []struct {
	ID   Requirement
	Asks string
} {
	return []struct {
		ID   Requirement
		Asks string
	}{
		{Record, "records a leg from its start on, each leg by itself, and no leg that it was not told of"},
		{Arm, "writes nothing for a leg that only alerts or dials"},
		{Pause, "writes nothing while the state is paused, whatever verb and cause, and from the start if it starts paused"},
		{Resume, "writes again when the state is recording again, and not before"},
		{Stop, "closes at the stop, also when it never saw the start, and never opens again"},
		{Update, "goes on as before after an update"},
		{Metadata, "labels with agent and tags of the last event, also after the stop; a tag that is gone is gone"},
		{Once, "does nothing when an event comes again, at once or after a newer one"},
		{Hole, "acts on the event after a missing one, and reports what is missing"},
		{Replay, "knows every leg after a restart, and does not act on what is over"},
		{Feed, "goes on through change of leader, restarts and late writers"},
		{Gap, "keeps to its policy for the agents whom a gap covers, and for nobody else"},
		{Silence, "keeps to its policy when nothing comes for three heartbeats"},
		{Forward, "acts on the state through fields, causes, verbs and events that it does not know"},
		{Refuse, "steps over what is no event, and reads on"},
	}
}
