"""Tables of marks, broken in any way: marks that can be scored, or one line of what is wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdml.annotations.pairing import paired
from birdml.annotations.reading import read_marks
from birdml.errors import UserError
from birdml.scoring.events import event_matches
from birdml.scoring.windows import cells_of, window_scores
from tests.fuzz.inputs import broken

RAVEN = (
    b"Selection\tView\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tBegin File\tSpecies\n"
    b"1\tWaveform 1\t1.5\t2.5\t100\ta.wav\tParus major\n1\tSpectrogram 1\t1.5\t2.5\t100\ta.wav\t"
    b"Parus major\n2\tSpectrogram 1\t4\t6\t100\ta.wav\tPica pica\n"
)
TABLES = {
    "raven.txt": RAVEN,
    "labels.txt": b"1.5\t2.5\tParus major 0.70\n\\\t100\t200\n4\t6\tPica pica 0.20\n",
    "birdnet.csv": b"Start (s),End (s),Scientific name,Common name,Confidence,File\n"
    b'0,3,Parus major,"Great Tit",0.9,/x/a.wav\n3,6,Pica pica,Magpie,0.1,/x/a.wav\n',
    "wide.csv": b"file,start_time,end_time,Parus major,Pica pica\na.wav,0,5,0.1,0.7\n"
    b"a.wav,5,10,0.2,-0.5\n",
    "rows.csv": b"row_id,birds\na_5,parus pica\na_10,nocall\n",
    "numbers.csv": b"file;start;end;species\na.wav;1,5;2,5;Parus major\na;0:01;0:02;Pica pica\n",
}


@pytest.mark.parametrize("name", TABLES)
@given(data=st.data())
def test_tables_of_marks(tmp_path_factory, name, data):
    folder = tmp_path_factory.mktemp("tables")
    (folder / name).write_bytes(data.draw(broken(TABLES[name])))
    (folder / "truth").mkdir()
    (folder / "truth" / "a.txt").write_bytes(RAVEN)
    try:
        found = read_marks(folder / name).marks
        assert (found.start >= 0).all() and (found.end >= found.start).all()
        pair = paired(read_marks(folder / "truth").marks, found)
        scores, *_ = window_scores(
            cells_of(pair.truth, pair.detections, pair.seconds, 5, len(pair.called))
        )
        matches = event_matches(pair.truth, pair.detections, len(pair.called))
    except UserError as error:
        assert str(error)
        return
    assert 0 <= scores.cmap <= 1 and 0 <= scores.best_f1 <= 1
    assert (matches.right <= np.minimum(matches.found, matches.positives)).all()
