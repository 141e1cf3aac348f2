"""Drawn faces: a learner who sets a muscle must see that muscle move, the same way, every time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import fertutor
from fertutor.errors import InputError
from fertutor.expressions import ACTION_UNITS, EXPRESSIONS
from fertutor.faces.drawn import (
    SCENE,
    TRAITS,
    UNITS,
    FaceRenderer,
    draw_faces,
    make_scene,
    person,
    plan_drawn,
    prototype,
    read_action_units,
    read_people,
    sample_people,
)

EYES_AND_BROWS = (1, 2, 4, 5, 7)
MOUTH = (12, 15, 16, 20, 23, 24, 25)


def test_pictures_have_the_promised_shape_range_and_type() -> None:
    pictures = fertutor.draw_faces({6: 1, 12: 0.8}, people=[0, 1, 2], size=64)
    assert pictures.shape == (3, 1, 64, 64)
    assert pictures.dtype == torch.float32
    assert 0 <= float(pictures.min()) < 0.2
    assert 0.6 < float(pictures.max()) <= 1


def test_every_way_of_writing_action_units_draws_the_same_face() -> None:
    tensor = torch.zeros(1, 17)
    tensor[0, UNITS.index(6)], tensor[0, UNITS.index(12)] = 1, 0.75
    ways = ["6=1,12=0.75", "AU6, 12L=0.75, 12R=0.75", {6: 1, "12": 0.75}, [{6: 1, 12: 0.75}], tensor]
    first = draw_faces(ways[0])
    for way in ways[1:]:
        assert torch.equal(draw_faces(way), first)
    assert torch.equal(draw_faces(tensor[:, :, None].expand(-1, -1, 2)), first)


def test_arrays_are_as_good_as_tensors_and_every_picture_is_float32() -> None:
    units, people = np.full((2, 17), 0.4), np.arange(2)
    scene = make_scene({"yaw": 0.2}).double()
    wanted = draw_faces(torch.full((2, 17), 0.4), [0, 1], make_scene({"yaw": 0.2}))
    assert torch.equal(draw_faces(units, people, scene.numpy()), wanted)
    wide = torch.from_numpy(units).requires_grad_(), read_people([0, 1]).double(), scene
    pictures = draw_faces(*wide)
    assert pictures.dtype == torch.float32
    assert torch.equal(pictures, wanted)
    (gradient,) = torch.autograd.grad(pictures.sum(), wide[0])
    assert gradient.dtype == torch.float64
    assert bool(gradient.any())


def test_any_number_from_0_is_somebody() -> None:
    people = read_people([0, 2**31, np.int64(7), 2**64, 10**30])
    assert torch.equal(people[2], person(7))
    assert len(people[:2].unique(dim=0)) == 2


def test_same_seed_same_picture_and_people_differ() -> None:
    plan = plan_drawn("drawn-wild", size=12)
    rows = (plan.action_units, plan.people, plan.scenes)
    assert torch.equal(draw_faces(*rows, seed=3), draw_faces(*rows, seed=3))
    assert torch.equal(person(41), person(41))
    faces = draw_faces("", people=list(range(12)))
    distance = (faces[:, None] - faces[None]).abs().mean((2, 3, 4))
    assert float((distance + torch.eye(12)).min()) > 0.02


def test_a_face_does_not_depend_on_the_others_of_its_batch() -> None:
    """Bands and chunks only save time: a grey level of 256 must not change."""
    plan = plan_drawn("drawn-wild", size=70)
    plan.scenes[:, list(SCENE).index("noise")] = 0
    together = draw_faces(plan.action_units, plan.people, plan.scenes)
    for row in (0, 35, 69):
        one = slice(row, row + 1)
        alone = draw_faces(plan.action_units[one], plan.people[one], plan.scenes[one])
        assert float((alone - together[one]).abs().max()) < 1 / 255


@pytest.mark.parametrize("unit", UNITS)
def test_every_action_unit_moves_something_and_the_mask_says_where(unit: int) -> None:
    (picture, moved), rest = draw_faces({unit: 1}, 4, size=96, mask=True), draw_faces({}, 4, size=96)
    change = (picture - rest).abs()
    assert moved.dtype == torch.bool
    assert int(moved.sum()) > 20, f"action unit {unit} is invisible"
    assert torch.equal(moved, change > 0.02)
    assert float(change[moved].sum() / change.sum()) > 0.6


@pytest.mark.parametrize("unit", [*EYES_AND_BROWS, *MOUTH])
def test_muscles_move_their_own_half_of_the_face(unit: int) -> None:
    """Whoever scores saliency by the mask relies on brows not moving with the mouth, or the reverse."""
    _, moved = draw_faces({unit: 1}, 4, size=96, mask=True)
    rows = torch.nonzero(moved[0, 0].any(1))[:, 0]
    if unit in EYES_AND_BROWS:
        assert int(rows.max()) < 52, "above the nose's tip"
    else:
        assert int(rows.min()) > 32, "below the brows"


def test_paired_muscles_move_one_side_and_mirror_each_other() -> None:
    """The person's left is the picture's right."""
    front = make_scene({"light_x": 0.0, "backdrop_slope": 0.0})
    plain = torch.zeros(1, len(TRAITS))
    left, moved = draw_faces("12L=1", plain, front, size=96, mask=True)
    right = draw_faces("12R=1", plain, front, size=96)
    assert int(moved[..., 52:].sum()) > 10 * int(moved[..., :44].sum())
    middle = slice(30, 96)  # the hair above has its own way
    assert float((left - right.flip(-1))[..., middle, :].abs().median()) < 0.01


def test_no_action_units_no_mask() -> None:
    _, moved = draw_faces(torch.zeros(3, 17), [0, 1, 2], mask=True)
    assert not bool(moved.any())


def test_combinations_act_as_on_a_face() -> None:
    """6 with 12 narrows the eyes more than 6 alone while the corners rise; 26 drops the jaw and shows
    the dark of the mouth, teeth and tongue; 9 wrinkles the nose and lifts the lip."""
    plain = torch.zeros(1, len(TRAITS))
    plain[:, TRAITS.index("skin")] = 0.7

    def draw(units: dict[int | str, float]) -> torch.Tensor:
        return draw_faces(units, plain, size=192)[0, 0]

    eyes, mouth, nose = (slice(60, 78), slice(40, 90)), (slice(122, 180), slice(60, 132)), slice(88, 102)
    rest, cheek, smile, jaw, nose_wrinkled = (draw(u) for u in ({}, {6: 1}, {6: 1, 12: 1}, {26: 1}, {9: 1}))
    narrowing = [float((face - rest)[eyes].abs().mean()) for face in (cheek, smile)]
    assert 0.01 < narrowing[0] < narrowing[1], "the eyes narrow"
    corner = [int(face[115:150, 118].argmin()) for face in (rest, smile)]
    assert corner[1] < corner[0] - 3, "the corners rise"
    assert int((jaw[mouth] < 0.1).sum()) > 50, "the dark of the mouth"
    assert float(jaw[132:139, 96].max()) > 0.75 > float(jaw[142, 96]), "a row of teeth"
    assert 0.15 < float(jaw[148:153, 96].mean()) < 0.4, "the tongue"
    assert float((nose_wrinkled - rest)[nose, 86:106].abs().mean()) > 0.02, "the nose wrinkles"
    assert int((nose_wrinkled - rest).abs()[116:136, 80:112].gt(0.05).sum()) > 50, "the lip lifts"


def test_gradients_in_action_units_match_finite_differences() -> None:
    """The chapter asks which muscle would change the network's mind: by this gradient."""
    renderer = FaceRenderer(24).double()
    generator = torch.Generator().manual_seed(0)
    traits, scene = sample_people(2, generator).double(), make_scene().double().expand(2, -1)
    units = torch.rand(2, 34, generator=generator, dtype=torch.float64).mul(0.5).add(0.2).requires_grad_()
    weights = torch.rand(2, 1, 24, 24, generator=generator, dtype=torch.float64)

    def score(units: torch.Tensor) -> torch.Tensor:
        return (renderer(units, traits, scene) * weights).sum()

    (gradient,) = torch.autograd.grad(score(units), units)
    step = 1e-6
    for column in range(0, 34, 3):
        shift = torch.zeros_like(units)
        shift[0, column] = step
        with torch.no_grad():
            slope = float(score(units + shift) - score(units - shift)) / (2 * step)
        assert math.isclose(slope, float(gradient[0, column]), rel_tol=2e-3, abs_tol=2e-4)
    assert bool((gradient.abs() > 1e-4).all()), "an action unit has no gradient"


@pytest.mark.parametrize("name", ["drawn-wild", "drawn-cartoon"])
def test_no_scene_of_a_drawn_set_gives_nan(name: str) -> None:
    plan = plan_drawn(name, size=200)
    assert bool(torch.isfinite(draw_faces(plan.action_units, plan.people, plan.scenes)).all())


def test_resolution_changes_sharpness_only() -> None:
    small = draw_faces(prototype("surprise"), 5, size=48)
    large = torch.nn.functional.avg_pool2d(draw_faces(prototype("surprise"), 5, size=192), 4)
    assert float((small - large).abs().mean()) < 0.03


def test_memory_does_not_grow_with_the_number_of_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call for many faces draws them in chunks of a fixed number of pixels."""
    from fertutor.faces.drawn import drawing

    seen = []
    forward = FaceRenderer.forward

    def watched(self: FaceRenderer, *rows: torch.Tensor) -> torch.Tensor:
        seen.append(len(rows[0]) * self.size**2)
        return forward(self, *rows)

    monkeypatch.setattr(FaceRenderer, "forward", watched)
    draw_faces({12: 1}, people=[0] * 100)
    draw_faces({12: 1}, people=[0] * 5, size=192)
    assert max(seen) <= drawing.CHUNK_PIXELS


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"action_units": {3: 1}}, "unknown action unit 3"),
        ({"action_units": "99=1"}, "unknown action unit '99'"),
        ({"action_units": {6: 3}}, "intensity 3 of action unit 6"),
        ({"action_units": {6: math.nan}}, "intensity nan of action unit 6"),
        ({"action_units": {6: -0.1}}, "intensity -0.1"),
        ({"action_units": "6=much"}, "'much'"),
        ({"action_units": "17L=1"}, "17 is drawn without sides"),
        ({"action_units": torch.full((1, 17), math.nan)}, "intensity nan of action unit 1"),
        ({"action_units": torch.zeros(1, 5)}, r"shape \(1, 5\)"),
        ({"action_units": {}, "size": 0}, "size 0"),
        ({"action_units": {}, "size": 4000}, "size 4000"),
        ({"action_units": {}, "size": 48.5}, "size 48.5"),
        ({"action_units": {}, "people": -1}, "unknown person -1"),
        ({"action_units": {}, "people": ["Ada"]}, "unknown person 'Ada'"),
        ({"action_units": {}, "people": torch.zeros(1, 3)}, r"shape \(1, 3\)"),
        ({"action_units": {}, "scene": {"yaws": 1}}, "'yaws'"),
        ({"action_units": {}, "scene": {"yaw": math.inf}}, "yaw cannot be inf"),
        ({"action_units": {}, "scene": {"yaw": 11}}, "yaw cannot be 11: give a number from -10 to 10"),
        (
            {"action_units": {}, "scene": {"scale": 0}},
            "scale cannot be 0: give a number above 0 and up to 10",
        ),
        ({"action_units": {}, "scene": torch.full((1, len(SCENE)), math.nan)}, "roll cannot be nan"),
        ({"action_units": {}, "scene": np.eye(len(SCENE)) * 1e9}, "roll cannot be 1e"),
        ({"action_units": {}, "scene": torch.zeros(2, len(SCENE))}, "scale cannot be 0"),
        ({"action_units": {}, "scene": {"roll": "a"}}, "roll cannot be 'a'"),
        ({"action_units": {}, "scene": {"roll": None}}, "roll cannot be None"),
        ({"action_units": {}, "scene": [0.0, 1.0]}, "a scene cannot be a list"),
        ({"action_units": {}, "scene": np.zeros((1, 3))}, r"shape \(1, 3\)"),
        ({"action_units": {}, "people": 1.5}, "unknown person 1.5"),
        ({"action_units": {}, "people": torch.full((len(TRAITS),), math.nan)}, "face_width cannot be nan"),
        ({"action_units": {}, "people": np.full((1, len(TRAITS)), -math.inf)}, "face_width cannot be -inf"),
        *[
            ({"action_units": {}, "seed": seed}, f"not {seed!r}$")
            for seed in ("x", 1.5, -1, None, True, 2**64)
        ],
        ({"action_units": {}, "people": np.array([-1])}, "unknown person -1"),
        ({"action_units": {}, "people": np.array([True])}, "unknown person True"),
        ({"action_units": np.zeros((1, 5))}, r"shape \(1, 5\)"),
        ({"action_units": np.array(["6=1"])}, "array of <U3 cannot be drawn"),
        ({"action_units": [[0.5] * 17]}, "action units cannot be a list"),
        ({"action_units": None}, "action units cannot be a NoneType"),
        ({"action_units": torch.zeros(2, 17), "people": [1, 2, 3]}, "2 action units for 3 faces"),
    ],
)
def test_bad_input_is_one_clear_sentence(arguments: dict[str, object], named: str) -> None:
    with pytest.raises(InputError, match=named) as error:
        draw_faces(**arguments)  # type: ignore[call-overload]
    assert "\n" not in str(error.value)


def test_prototypes_are_those_of_the_expressions_module() -> None:
    for expression in EXPRESSIONS:
        assert all(unit in ACTION_UNITS for unit in prototype(expression, 0.4))
    assert float(read_action_units(prototype("happy", 0.4)).max()) == pytest.approx(0.4)
    with pytest.raises(InputError, match="unknown expression 'joy'"):
        prototype("joy")
    with pytest.raises(InputError, match="strength 2 of fear"):
        prototype("fear", 2)


def test_no_faces_is_no_error() -> None:
    pictures, moved = draw_faces(torch.zeros(0, 17), mask=True)
    assert pictures.shape == moved.shape == (0, 1, 48, 48)


def _darkness(units: dict[int, float], rows: slice, columns: slice) -> tuple[float, float]:
    """Row and column around which a part of a large plain face is dark: where a brow or a lip runs."""
    part = draw_faces(units, people=[8], size=192)[0, 0][rows, columns]
    weight = (part.mean() - part).clamp(min=0).square()
    row, column = (torch.arange(n, dtype=torch.float32) for n in part.shape)
    return float(weight.sum(1) @ row / weight.sum()), float(weight.sum(0) @ column / weight.sum())


@pytest.mark.parametrize(
    ("unit", "rows", "columns", "axis", "least"),
    [
        (1, (36, 62), (72, 88), 0, -3),  # the inner brow rises
        (4, (36, 62), (72, 88), 0, 3),  # and is lowered
        (2, (36, 62), (42, 58), 0, -0.4),  # the outer brow rises
        (12, (118, 160), (62, 80), 0, -3),  # the lip corner is pulled up
        (15, (118, 160), (62, 80), 0, 3),  # and depressed
        (20, (118, 160), (62, 80), 1, -2),  # and stretched to the side
    ],
)
def test_muscles_pull_the_way_that_facs_says(
    unit: int, rows: tuple[int, int], columns: tuple[int, int], axis: int, least: float
) -> None:
    place = (slice(*rows), slice(*columns))
    moved = _darkness({unit: 1.0}, *place)[axis] - _darkness({}, *place)[axis]
    assert moved / least > 1


def test_lids_open_and_tighten_and_lips_are_pressed() -> None:
    eye, mouth = (slice(56, 78), slice(50, 80)), (slice(130, 160), slice(75, 115))

    def share(units: dict[int, float], part: tuple[slice, slice], low: float, high: float) -> float:
        face = draw_faces(units, people=[8], size=192)[0, 0][part]
        return float(((face >= low) & (face < high)).float().mean())

    white = {unit: share({unit: 1.0}, eye, 0.75, 1.1) for unit in (5, 7, 26)}  # 26 leaves the eye alone
    assert white[5] > 2 * white[26] > 4 * white[7]
    lips = {unit: share({unit: 1.0}, mouth, 0, 0.45) for unit in (24, 2, 26)}
    assert lips[24] < 0.95 * lips[2] and lips[26] > 1.5 * lips[2]
